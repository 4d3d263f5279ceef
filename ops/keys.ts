/**
 * `npm run keys` — signing keys and keyrings.
 *   npm run keys                       signing keys, what names which id of a keyring, and what comes next
 *   npm run keys -- rotate [--es256]   the next step of a rotation (the first key, publish, or let the published one sign)
 *   npm run keys -- rotate --now       without waiting for the 24 hours of publication
 *   npm run keys -- revoke <kid>…      ends leaked signing keys at once; a key that can sign takes over
 *   npm run keys -- secret [id]        an entry for a new keyring
 *   npm run keys -- add <id>           AUTH_KEYS, first step: every Worker learns to read what the new key makes
 *   npm run keys -- promote <id>       second step, when all can: it makes new things (--unseen: not all Workers are deployed)
 *   npm run keys -- reseal             moves what an older key sealed to the newest one; stop it and run it again as you like
 *   npm run keys -- retire <id>        last step, when nothing needs the old key (--force: what needs it is lost)
 *   npm run keys -- caller <origin>    what a trusted server signs with that calls this origin, from SERVICE_KEYS
 */
import { parseKeyring } from '../src/crypto/keyring.ts'
import type { Secret } from '../src/settings.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'
import { list } from './key-report.ts'
import { addKey, findKnownKeys, promoteKey, retireKey } from './key-rotation.ts'
import { newKeyringEntry } from './keyring.ts'
import { reseal } from './reseal.ts'
import { serviceCredential } from './service-credential.ts'
import { revoke, rotate } from './signing-keys.ts'

/** Walking a large table takes as long as it takes; each query has its deadline. */
const DEADLINES = { postgres: 60_000, redis: 10_000, request: 86_400_000 }

const { env } = process
const given = (...names: Secret[]) => names.filter((name) => env[name])
const contextWith = (...names: Secret[]) => createOperatorContext(env, names, DEADLINES)

type Step = (
  ctx: OperatorContext,
  ring: string,
  id: string,
  flags: string[],
) => Promise<{ value: string; says: string[] }>

const STEPS: Record<string, Step> = {
  add: addKey,
  promote: (ctx, ring, id, flags) => promoteKey(ctx, ring, id, { unseen: flags.includes('--unseen') }),
  retire: (ctx, ring, id, flags) => retireKey(ctx, ring, id, { force: flags.includes('--force') }),
}

async function report(): Promise<void> {
  const redis = given('UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN')
  const ctx = contextWith('DATABASE_URL', ...given('AUTH_KEYS'), ...redis)
  const idsOf = (text: string | undefined) => (text ? parseKeyring(text).map(({ keyId }) => keyId) : null)
  const rings = { AUTH_KEYS: idsOf(env.AUTH_KEYS), SIGNING_SEAL_KEYS: idsOf(env.SIGNING_SEAL_KEYS) }
  await list(ctx, rings, redis.length === 2)
}

async function resealAll(): Promise<void> {
  const ctx = contextWith('DATABASE_URL', 'AUTH_KEYS', ...given('SIGNING_SEAL_KEYS'))
  const { authKeys } = ctx.settings
  const [newest] = authKeys
  const known = (await findKnownKeys(ctx)).find((key) => key.key_id === newest.keyId)
  if (!known?.in_use_since)
    throw new Error(`${newest.keyId} is not in use yet: Workers may not be able to read it. Promote it first`)
  const rings = {
    AUTH_KEYS: authKeys,
    ...(env.SIGNING_SEAL_KEYS && { SIGNING_SEAL_KEYS: ctx.settings.signingSealKeys }),
  }
  const outcomes = await reseal(ctx, rings, console.log)
  if (outcomes.some(({ unreadable }) => unreadable.length > 0))
    throw new Error('some rows could not be read and were not changed')
}

if (import.meta.main) {
  await run(async () => {
    const [command = 'list', ...rest] = process.argv.slice(2)
    const flags = rest.filter((word) => word.startsWith('--'))
    const [id = ''] = rest.filter((word) => !word.startsWith('--'))
    const usage =
      'usage: npm run keys [-- rotate [--es256] [--now] | revoke <kid>… [--es256] | secret [id] | caller <origin> | add <id> | promote <id> [--unseen] | reseal | retire <id> [--force]]'
    const step = STEPS[command]
    if (step && id !== '') {
      const { value, says } = await step(
        contextWith('DATABASE_URL', 'AUTH_KEYS'),
        env.AUTH_KEYS ?? '',
        id,
        flags,
      )
      // The value alone on stdout, so that it can be piped into wrangler.
      for (const line of says) console.error(line)
      return console.log(value)
    }
    if (command === 'list') return report()
    if (command === 'rotate') return rotate(contextWith('DATABASE_URL', 'SIGNING_SEAL_KEYS'), rest)
    if (command === 'revoke') return revoke(contextWith('DATABASE_URL', 'SIGNING_SEAL_KEYS'), rest)
    if (command === 'caller') return console.log(await serviceCredential(env.SERVICE_KEYS, id))
    if (command === 'secret')
      return console.log(newKeyringEntry(id || `k${new Date().toISOString().slice(0, 10)}`))
    if (command === 'reseal') return resealAll()
    throw new Error(usage)
  })
}
