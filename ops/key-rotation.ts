/**
 * The steps of rotating AUTH_KEYS, each of which checks that the one before is done everywhere:
 * add (every Worker can read what the new key makes) → promote (it makes new things) → reseal → retire.
 * A command cannot put a secret into Cloudflare; it prints the value and where it goes.
 */
import { sql } from 'drizzle-orm'
import { isKeyId, parseKeyring } from '../src/crypto/keyring.ts'
import { KEYED_WORKERS, type KeyedWorker } from '../src/keys/auth-keys.ts'
import { settingOf } from '../src/tenants/store.ts'
import type { OperatorContext } from './context.ts'
import { countNeeding } from './key-uses.ts'
import { newKeyringEntry } from './keyring.ts'

/** A Worker without the key must not have answered for so long: isolates and regions take a secret one after another. */
export const QUIET_MINUTES = 5

export type KnownKey = { key_id: string; added_at: string; in_use_since: string | null }

export async function findKnownKeys({ db }: Pick<OperatorContext, 'db'>): Promise<KnownKey[]> {
  const { rows } = await db.execute<KnownKey>(sql`
    select key_id, added_at::text, in_use_since::text from auth_keys order by added_at, key_id`)
  return rows
}

/** @param ring the text of AUTH_KEYS as it is now @returns the next text, and what to do with it */
export async function addKey(
  ctx: Pick<OperatorContext, 'db'>,
  ring: string,
  keyId: string,
): Promise<{ value: string; says: string[] }> {
  if (!isKeyId(keyId)) throw new Error('a key id is 1 to 16 characters of A-Z a-z 0-9 _ -')
  const ids = parseKeyring(ring).map((entry) => entry.keyId)
  const known = await findKnownKeys(ctx)
  const other = known.find((key) => key.key_id !== keyId && key.in_use_since === null)
  if (other) throw new Error(`${other.key_id} is already being added; promote or retire it first`)
  if (!ids.includes(keyId) && known.some((key) => key.key_id === keyId && key.in_use_since !== null))
    throw new Error(`${keyId} is in use, but this AUTH_KEYS lacks it; use the AUTH_KEYS of the deployment`)
  const value = ids.includes(keyId) ? ring : `${ring},${newKeyringEntry(keyId)}`
  await ctx.db.execute(sql`insert into auth_keys (key_id) values (${keyId}) on conflict (key_id) do nothing`)
  return {
    value,
    says: [
      `Added ${keyId}. Set this AUTH_KEYS on every Worker, and store it with your secrets:`,
      ...putCommands(),
      `Then call each Worker once, and run: npm run keys -- promote ${keyId}`,
    ],
  }
}

/** @param options.unseen accepts that some Workers have not been seen: they are not deployed */
export async function promoteKey(
  ctx: Pick<OperatorContext, 'db'>,
  ring: string,
  keyId: string,
  { unseen = false }: { unseen?: boolean } = {},
): Promise<{ value: string; says: string[] }> {
  const entries = ring.split(',').map((entry) => entry.trim())
  const ids = parseKeyring(ring).map((entry) => entry.keyId)
  if (!ids.includes(keyId)) throw new Error(`this AUTH_KEYS lacks ${keyId}: run npm run keys -- add ${keyId}`)
  const known = (await findKnownKeys(ctx)).find((key) => key.key_id === keyId)
  if (!known) throw new Error(`${keyId} is not added: run npm run keys -- add ${keyId}`)
  if (known.in_use_since === null) {
    const { lacking, missing } = await findReadiness(ctx, keyId)
    const wrong = [
      ...lacking.map(({ worker, secondsAgo }) => `${worker} answered without ${keyId} ${secondsAgo} s ago`),
      ...(unseen ? [] : missing.map((worker) => `${worker} was not seen with ${keyId}`)),
    ]
    if (wrong.length > 0)
      throw new Error(
        [
          `${keyId} cannot be promoted yet:`,
          ...wrong.map((line) => `  ${line}`),
          `Call each Worker once, and wait until all have answered with it for ${QUIET_MINUTES} minutes`,
          '(a sign-in, a refresh, a code, GET /v1/mfa, POST /v1/passkeys/login/options, GET /v1/identities, GET /v1/api-keys, GET /v1/webhooks, GET /v1/admin/audit-events, GET /sign-in; jobs runs by itself).',
          'Use --unseen to skip Workers that you do not deploy.',
        ].join('\n'),
      )
  }
  const value = entries.toSorted((one, other) => rank(one, keyId) - rank(other, keyId)).join(',')
  return {
    value,
    says: [
      `Every Worker has ${keyId}. To make it the current key, set this AUTH_KEYS on every Worker:`,
      ...putCommands(),
      'Then run npm run keys -- reseal. npm run keys lists the data that still uses the old key, and until when.',
    ],
  }
}

const rank = (entry: string, keyId: string) => (entry.startsWith(`${keyId}:`) ? 0 : 1)

/** Which Workers answered without the key lately, and which have never been seen with it, since it was added. */
export async function findReadiness({ db }: Pick<OperatorContext, 'db'>, keyId: string) {
  const { rows } = await db.execute<{ worker: KeyedWorker; key_ids: string; seconds_ago: number }>(sql`
    select worker, deployed_keyrings.key_ids, extract(epoch from now() - seen_at)::int as seconds_ago
    from deployed_keyrings join auth_keys on auth_keys.key_id = ${keyId} and seen_at >= auth_keys.added_at
    order by worker, seen_at desc`)
  const seen = rows.map((row) => ({
    worker: row.worker,
    secondsAgo: row.seconds_ago,
    hasKey: row.key_ids.split(',').includes(keyId),
  }))
  return {
    seen,
    lacking: seen.filter(({ hasKey, secondsAgo }) => !hasKey && secondsAgo < QUIET_MINUTES * 60),
    missing: KEYED_WORKERS.filter((worker) => !seen.some((one) => one.hasKey && one.worker === worker)),
  }
}

/** @param options.force although something names it: that is then lost */
export async function retireKey(
  ctx: OperatorContext,
  ring: string,
  keyId: string,
  { force = false }: { force?: boolean } = {},
): Promise<{ value: string; says: string[] }> {
  const [newest] = parseKeyring(ring)
  if (newest.keyId === keyId) throw new Error(`${keyId} is the current key; promote another key first`)
  const needing = force ? new Map<string, number>() : await countNeeding(ctx, keyId)
  if (needing.size > 0)
    throw new Error(
      [
        `${keyId} is still needed:`,
        ...[...needing].map(([usedBy, rows]) => `  ${rows.toLocaleString('en')} ${usedBy}`),
        'Run npm run keys -- reseal. npm run keys lists how long the others take.',
      ].join('\n'),
    )
  await ctx.db.batch([
    ctx.db.execute(sql`delete from auth_keys where key_id = ${keyId}`),
    ctx.db.execute(sql`delete from deployed_keyrings`),
  ])
  const entries = ring.split(',').map((entry) => entry.trim())
  return {
    value: entries.filter((entry) => !entry.startsWith(`${keyId}:`)).join(','),
    says: [`Retired ${keyId}. Set this AUTH_KEYS on every Worker:`, ...putCommands()],
  }
}

/** The all-in-one has no name of its own. */
const putCommands = () => [
  '  npx wrangler secret put AUTH_KEYS --env=            (the all-in-one), or for each Worker that you deploy:',
  `  for worker in ${KEYED_WORKERS.join(' ')}; do npx wrangler secret put AUTH_KEYS --env $worker; done`,
]

export type Wait = { used_by: string; until: string }

/** Until when what cannot be moved needs the keys older than `newest`, counted from when that one came into use. */
export async function findWaits(ctx: OperatorContext, newest: KnownKey): Promise<Wait[]> {
  const { rows } = await ctx.db.execute<{
    idle: number
    audit: string
    idle_until: string
    day: string
    week: string
  }>(sql`
    with idle as (
      select max(${settingOf('session_idle_seconds')}) as seconds from tenants)
    select (since + make_interval(secs => coalesce(seconds, 0)))::text as idle_until, (since + interval '1 day')::text as day,
      (since + interval '7 days')::text as week, (since + make_interval(months => ${ctx.settings.auditRetentionMonths}))::text as audit
    from idle, (select ${newest.in_use_since}::timestamptz as since) as since`)
  const [until] = rows
  if (!until) return []
  return [
    { used_by: 'refresh tokens', until: until.idle_until },
    { used_by: 'codes, links that are not mailed yet, answers kept for a repeat', until: until.day },
    { used_by: 'attempts spilled to Redis', until: until.week },
    { used_by: 'audit log, of no one (address and device are lost if it goes before)', until: until.audit },
  ]
}
