/**
 * Who administers a tenant: the role and the session are read from the database by the operation's own query, never
 * from the token, so that a role that was taken away or a session that ended counts at once (CASES K).
 */
import type { BatchItem } from 'drizzle-orm/batch'
import type { Context } from '../context.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { type Caller, type CallerDemands, type CallerOperation, readAsCaller, readCaller } from './caller.ts'
import { ADMIN } from './caller-store.ts'

/**
 * For reads: `readAsCaller`, and the role. What `query` found is handed over only to an administrator.
 * @returns refusals as `readAsCaller`, and `insufficient_role`
 */
export async function readAsAdmin<Query extends BatchItem<'pg'>>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  query: (claimed: { sid: string }) => Query,
  demands: CallerDemands = {},
) {
  const read = await readAsCaller(ctx, headers, operation, query, demands)
  return isRefusal(read) ? read : (refuseUnlessRole(read.user, read.caller.userId) ?? read)
}

/** For reads that go elsewhere: the administrator alone, in one query. */
export async function readAdmin(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: CallerDemands = {},
) {
  const read = await readCaller(ctx, headers, operation, demands)
  return isRefusal(read) ? read : (refuseUnlessRole(read.user, read.caller.userId) ?? read)
}

/**
 * For writes that do something on the way which only an administrator may cause, e.g. a look-up in the DNS: the role is
 * read first, beside the limit. The statement must decide it again, by `callerIsAdmin`.
 * @returns refusals as `readAdmin`
 */
export async function requireAdmin(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: CallerDemands = {},
): Promise<Caller | Refusal> {
  const read = await readAdmin(ctx, headers, operation, demands)
  return isRefusal(read) ? read : read.caller
}

const refuseUnlessRole = ({ roles }: { roles: string[] }, subject: string): Refusal | null =>
  roles.includes(ADMIN) ? null : refuse('insufficient_role', { evidence: { subject } })

/**
 * For writes: what a statement with `callerIsAdmin` decided.
 * @returns null when it was an administrator's; refusals `invalid_token` (the session is over), `insufficient_role`
 */
export function refuseUnlessAdmin(
  { callers, admins }: { callers: number; admins: number },
  subject: string,
): Refusal | null {
  if (callers === 0) return refuse('invalid_token', { evidence: { reason: 'session not live', subject } })
  return admins === 0 ? refuse('insufficient_role', { evidence: { subject } }) : null
}
