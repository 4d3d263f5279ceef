/**
 * `npm run keys` — signing keys and keyrings.
 *   npm run keys                       what stands: signing keys, and which keyring ids rows still name
 *   npm run keys -- rotate [--es256]   the next step of a rotation (the first key, publish, or let the published one sign)
 *   npm run keys -- rotate --now       without waiting for the 24 hours of publication
 *   npm run keys -- secret [id]        a new keyring entry to prepend to AUTH_KEYS or SIGNING_SEAL_KEYS
 */
import { sql } from 'drizzle-orm'
import { NO_PEPPER } from '../src/crypto/foreign-hash.ts'
import { PUBLISHED_HOURS, rotateSigningKeys } from '../src/keys/rotation.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'

if (import.meta.main) {
  await run(async () => {
    const [command = 'list', ...rest] = process.argv.slice(2)
    if (command === 'list') return list(createOperatorContext(process.env, ['DATABASE_URL']))
    if (command === 'rotate')
      return rotate(createOperatorContext(process.env, ['DATABASE_URL', 'SIGNING_SEAL_KEYS']), rest)
    if (command === 'secret')
      return console.log(newKeyringEntry(rest[0] ?? `k${new Date().toISOString().slice(0, 10)}`))
    throw new Error('usage: npm run keys [-- rotate [--es256] [--now] | secret [id]]')
  })
}

/** One entry of a keyring: an id and 32 random bytes. */
export function newKeyringEntry(id: string): string {
  return `${id}:${Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64')}`
}

async function list({ db, auditDb }: OperatorContext): Promise<void> {
  const keys = await db.execute(sql`
    select kid, alg, state, created_at, expires_at from signing_keys order by created_at`)
  const ids = await db.execute(sql`
    select 'AUTH_KEYS' as keyring, key_id, count(*)::int as rows, 'refresh tokens' as used_by from refresh_tokens group by key_id
    union all select case key_id when ${NO_PEPPER} then 'none' else 'AUTH_KEYS' end, key_id, count(*)::int,
      case key_id when ${NO_PEPPER} then 'imported passwords, until their owners sign in' else 'passwords' end
      from passwords group by key_id
    union all select 'AUTH_KEYS', key_id, count(*)::int, 'mailed links and codes' from one_time_tokens
      where user_id is not null and consumed_at is null and expires_at > now() group by key_id
    union all select 'AUTH_KEYS', split_part(sealed_key, '.', 1), count(*)::int, 'keys of people' from person_keys group by 2
    union all select 'AUTH_KEYS', split_part(secret, '.', 1), count(*)::int, 'webhook secrets'
      from webhook_endpoints, unnest(array[sealed_secret, sealed_previous_secret]) secret where secret is not null group by 2
    union all select 'SIGNING_SEAL_KEYS', split_part(sealed_private_jwk, '.', 1), count(*)::int, 'signing keys'
      from signing_keys group by 2
    order by 1, 2`)
  const audited = await auditDb.execute(sql`
    select 'AUTH_KEYS' as keyring, split_part(personal, '.', 1) as key_id, count(*)::int as rows, 'audit log' as used_by
    from audit_events where subject is null and personal is not null group by 2`)
  console.table(keys.rows)
  console.table([...ids.rows, ...audited.rows])
  console.log('A keyring id that no row names may be removed from its keyring.')
}

async function rotate(ctx: OperatorContext, flags: string[]): Promise<void> {
  const unknown = flags.find((flag) => flag !== '--es256' && flag !== '--now')
  if (unknown) throw new Error(`unknown option ${unknown}`)
  const algorithm = flags.includes('--es256') ? 'ES256' : 'EdDSA'
  const { outcome } = await rotateSigningKeys(ctx, { algorithm, immediately: flags.includes('--now') })
  const meaning = {
    first_key: 'made the first signing key; it signs now',
    published: `published the next key; rotate again after ${PUBLISHED_HOURS} hours to let it sign`,
    rotated: 'the published key signs now; its successor is published',
    too_early: `the next key has not been published for ${PUBLISHED_HOURS} hours yet (--now skips the wait)`,
  }
  console.log(meaning[outcome])
}
