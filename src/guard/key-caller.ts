/**
 * Who calls with an API key in place of an access token. It gets what its scopes allow of the operations that take
 * keys, and nothing of an account's own: no session, no factor, no password, no further key.
 */
import type { BatchItem } from 'drizzle-orm/batch'
import type { Context } from '../context.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { hashApiKey, parseApiKey } from './api-key.ts'
import type { CallerOperation } from './caller.ts'
import { type Demands, type KeyCaller, refuseScope } from './demands.ts'
import { findKey, noteUse } from './key-store.ts'

/** An access token is a JWT, which begins otherwise. */
export const isApiKey = (bearer: string): boolean => bearer.startsWith('lk_')

/** Whether a key may ask at all: what is demanded of a session, no key can show. */
const mayAsk = ({ takesKeys, permission, role, maxAge, aal }: Demands): boolean =>
  takesKeys === true &&
  permission !== undefined &&
  role === undefined &&
  maxAge === undefined &&
  aal === undefined

/**
 * For reads and, where `query` gives null, before a write, which `callerOf` decides again.
 * @returns refusals `invalid_token`, `api_key_not_accepted`, `insufficient_scope`, `unknown_host`, `origin_not_allowed`,
 * `rate_limited`
 */
export async function requireKey<Found>(
  ctx: Context,
  bearer: string,
  operation: CallerOperation,
  demands: Demands,
  query: () => BatchItem<'pg'> | null,
): Promise<{ caller: KeyCaller; found: Found } | Refusal> {
  if (!mayAsk(demands)) return refuseKey(ctx, bearer, operation)
  const parsed = parseApiKey(bearer)
  if (parsed === null) return refuse('invalid_token')
  const keyHash = await hashApiKey(parsed.key)
  const find = findKey(ctx, parsed.id, [keyHash])
  const besides = query()
  const [[row], found] = besides ? await ctx.db.batch([find, besides]) : [await find, null]
  const tenant = requireTenant(ctx, row?.tenant)
  if (isRefusal(tenant)) return tenant
  const key = row?.isOwned ? row.key : null
  // A key that is merely claimed is not counted: who learns an id could use up its owner's calls.
  const limited = await checkLimits(ctx, operation, key ? { session: key.id } : {})
  if (limited) return limited
  if (!row || !key) return refuse('invalid_token', { evidence: { reason: 'API key not live' } })
  if (row.isUseDue) ctx.defer(noteUse(ctx, key.id))
  ctx.client.apiKeyId = key.id
  const caller: KeyCaller = { tenant, userId: key.userId, keyId: key.id, keyHash, demands }
  const { permission } = demands
  if (permission !== undefined && !row.scopes.includes(permission)) return refuseScope(permission)
  return { caller, found: found as Found } // it is what that returns
}

/** Where no key may come. @returns refusals `invalid_token`, `api_key_not_accepted`, `rate_limited` */
export async function refuseKey(ctx: Context, bearer: string, operation: CallerOperation): Promise<Refusal> {
  if (parseApiKey(bearer) === null) return refuse('invalid_token')
  return (await checkLimits(ctx, operation)) ?? refuse('api_key_not_accepted')
}
