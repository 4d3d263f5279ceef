/** `npm run keys`: signing keys, which ids of a keyring anything still names, and what comes next. */
import { sql } from 'drizzle-orm'
import { NO_PEPPER } from '../src/crypto/foreign-hash.ts'
import type { OperatorContext } from './context.ts'
import { findKnownKeys, findReadiness, findWaits, type KnownKey } from './key-rotation.ts'
import { findKeyUses, findSpilledUses, type KeyUse } from './key-uses.ts'

/** The ids of the rings at hand, newest first; null where the command was not given the ring. */
export type Rings = { AUTH_KEYS: string[] | null; SIGNING_SEAL_KEYS: string[] | null }

export async function list(ctx: OperatorContext, rings: Rings, hasRedis: boolean): Promise<void> {
  const signing = await ctx.db.execute(sql`
    select kid, alg, state, created_at, expires_at from signing_keys order by created_at`)
  console.table(signing.rows)
  const known = await findKnownKeys(ctx)
  const uses = [...(await findKeyUses(ctx)), ...(hasRedis ? await findSpilledUses(ctx) : [])]
  console.table(uses.map((use) => presentUse(use, rings)))
  if (!hasRedis)
    console.log(
      'Not checked: attempts spilled to Redis (set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN).',
    )
  console.table(known.map((key) => ({ ...key, in_ring: markOf(rings.AUTH_KEYS, key.key_id) })))
  for (const line of await nextSteps(ctx, known, rings.AUTH_KEYS, uses)) console.log(line)
}

function presentUse(use: KeyUse, rings: Rings) {
  if (use.key_id === NO_PEPPER)
    return { ...use, keyring: 'none', used_by: 'imported passwords, until their owners sign in', in_ring: '' }
  return { ...use, in_ring: markOf(rings[use.keyring], use.key_id) }
}

function markOf(ring: string[] | null, keyId: string): string {
  if (ring === null) return '?'
  return ring.includes(keyId) ? 'yes' : 'MISSING'
}

/** What the operator does next, in the order of the rotation. */
export async function nextSteps(
  ctx: OperatorContext,
  known: readonly KnownKey[],
  ring: string[] | null,
  uses: readonly KeyUse[],
): Promise<string[]> {
  if (ring === null) return ['Set AUTH_KEYS to see which keys it lacks and what to do next.']
  const named = [
    ...new Set(
      uses
        .filter(({ keyring, key_id }) => keyring === 'AUTH_KEYS' && key_id !== NO_PEPPER)
        .map(({ key_id }) => key_id),
    ),
  ]
  const inUse = known.filter(({ in_use_since }) => in_use_since !== null).map(({ key_id }) => key_id)
  const lacking = [...new Set([...inUse, ...named])].filter((keyId) => !ring.includes(keyId)).toSorted()
  if (lacking.length > 0)
    return [
      `This AUTH_KEYS lacks ${lacking.join(', ')}: data that uses it cannot be read.`,
      ...(lacking.some((keyId) => inUse.includes(keyId))
        ? ['Workers with this keyring answer 503. Add the key again.']
        : []),
    ]
  const added = known.find(({ in_use_since }) => in_use_since === null)
  if (added) return stepsOfAdded(ctx, added.key_id)
  const [newest = '', ...older] = ring
  const current = known.find(({ key_id }) => key_id === newest)
  const old = older.filter((keyId) => inUse.includes(keyId) || named.includes(keyId))
  if (old.length === 0 || !current)
    return [`No rotation is in progress. To rotate AUTH_KEYS: npm run keys -- add <id>`]
  const moves = uses.some(({ key_id, used_by }) => old.includes(key_id) && MOVED.has(used_by))
  return [
    `${newest} is the current key since ${current.in_use_since}. Next:`,
    ...(moves
      ? ['  npm run keys -- reseal   (moves passwords, keys of people and tenants, webhook secrets)']
      : []),
    `  npm run keys -- retire ${old[0]}   after these have expired:`,
    ...(await findWaits(ctx, current)).map(({ used_by, until }) => `    ${used_by}: until ${until}`),
  ]
}

const MOVED: ReadonlySet<string> = new Set(['passwords', 'keys of people and tenants', 'webhook secrets'])

async function stepsOfAdded(ctx: OperatorContext, keyId: string): Promise<string[]> {
  const { seen, lacking, missing } = await findReadiness(ctx, keyId)
  return [
    `${keyId} was added. Workers seen since:`,
    ...seen.map(
      ({ worker, hasKey, secondsAgo }) =>
        `  ${worker}: ${hasKey ? 'has it' : 'WITHOUT it'}, ${secondsAgo} s ago`,
    ),
    ...(missing.length > 0 ? [`  not seen with it: ${missing.join(', ')}`] : []),
    lacking.length + missing.length === 0
      ? `Every Worker has ${keyId}. Next: npm run keys -- promote ${keyId}`
      : `Next: give it to every Worker, call each once, then npm run keys -- promote ${keyId}`,
  ]
}
