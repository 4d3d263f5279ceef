/**
 * Who calls with an access token. The token names a key and a session; the database says whether both stand;
 * the signature decides. Reads ask the database first and believe nothing until the signature holds (one trip);
 * writes check the signature first, because a statement cannot be taken back.
 */
import type { BatchItem } from 'drizzle-orm/batch'
import type { Self } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { readUnverified, verifyAccessToken } from '../crypto/signing.ts'
import { readBearer } from '../http/bearer.ts'
import { type KeyedWorker, noteRing } from '../keys/auth-keys.ts'
import { keepVerifier, readKeptVerifier, type Verifier } from '../keys/keys.ts'
import { findVerifier } from '../keys/store.ts'
import { checkLimits } from '../limits/check.ts'
import type { LIMITS, Limit, LimitedOperation } from '../limits/limits.ts'
import { isRefusal, type Refusal, refuse, STEP_UP_SECONDS } from '../problem.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { findCaller } from './caller-store.ts'

/** A caller whose token verified. Whether their session still lives is for the statement to say. */
export type Caller = { tenant: Tenant; userId: string; sessionId: string; kid: string }

/** The operations that a caller is limited in by their session. */
export type CallerOperation = {
  [Name in LimitedOperation]: (typeof LIMITS)[Name] extends { redis: { session: Limit } } ? Name : never
}[LimitedOperation]

export type CallerDemands = {
  /** The caller must have authenticated within the last minutes (RFC 9470), else `insufficient_user_authentication`. */
  stepUp?: boolean
  /** An address that the call has us mail, which is counted besides: many accounts must not fill one mailbox. */
  account?: string
}

type Claimed = { kid: string; sid: string }
type Read = { token: string; claimed: Claimed }

/** The token of the request and what it claims. Refusals `missing_token`, `invalid_token`, `invalid_request`. */
function readToken(headers: Headers): Read | Refusal {
  const token = readBearer(headers)
  if (isRefusal(token)) return token
  const claimed = readUnverified(token)
  return claimed === null ? refuse('invalid_token') : { token, claimed }
}

/**
 * For writes: the caller, by signature alone. The statement must join `callerIsLive`.
 * @returns refusals `missing_token`, `invalid_token`, `invalid_request`, `unknown_host`, `origin_not_allowed`, `rate_limited`
 */
export async function requireCaller(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: CallerDemands = {},
): Promise<Caller | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  const { kid } = read.claimed
  const known = await verifyWithoutTrip(ctx, read, demands)
  if (known) return (await limitCaller(ctx, operation, known, demands)) ?? known
  // A location that keeps no key asks for it first: the session and the account count here as they do elsewhere.
  const verifier = await findVerifier(ctx, kid)
  const caller = await verify(ctx, read, verifier, demands)
  const limited = await limitCaller(ctx, operation, caller, demands)
  if (limited) return limited
  if (verifier?.key) keepVerifier(ctx, kid, verifier)
  return caller
}

/**
 * For reads: runs `query` in the same trip as the check of the caller. What it returns is only handed over
 * once the token has verified and its session and account are live. Refuses as `requireCaller` does.
 * @param query built from what the token claims, so it must be bound to the claimed session and to the host's tenant
 */
export async function readAsCaller<Query extends BatchItem<'pg'>>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  query: (claimed: Claimed) => Query,
  demands: CallerDemands = {},
): Promise<(KnownCaller & { found: Query['_']['result'] }) | Refusal> {
  const ask = async (claimed: Claimed) => {
    const [[row], found] = await ctx.db.batch([
      findCaller(ctx, claimed, READERS[operation] ?? null),
      query(claimed),
    ])
    return { row, found }
  }
  return readLive(ctx, headers, operation, ask, demands)
}

/** For reads that need nothing but the caller: one query. */
export async function readCaller(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: CallerDemands = {},
): Promise<KnownCaller | Refusal> {
  const ask = async (claimed: Claimed) => {
    const [row] = await findCaller(ctx, claimed, READERS[operation] ?? null)
    return { row, found: undefined }
  }
  return readLive(ctx, headers, operation, ask, demands)
}

/** Whose ring these reads report, while a key is being handed out: of the Workers that are asked nothing else by anyone. */
const READERS: Partial<Record<CallerOperation, KeyedWorker>> = {
  listAuditEvents: 'admin',
  listWebhooks: 'webhook',
}

type CallerRow = Awaited<ReturnType<typeof findCaller>>[number]
type KnownCaller = { caller: Caller; user: Self }

/**
 * The limit and the question side by side, or one after the other where no key is kept here; then the signature, then
 * whether session and account are live.
 */
async function readLive<Found>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  ask: (claimed: Claimed) => Promise<{ row: CallerRow | undefined; found: Found }>,
  demands: CallerDemands,
): Promise<(KnownCaller & { found: Found }) | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  const known = verifyWithoutTrip(ctx, read, demands)
  const [early, { row, found }] = await Promise.all([
    known.then((caller) => caller && limitCaller(ctx, operation, caller, demands)),
    ask(read.claimed),
  ])
  if (early) return early
  const caller = await verify(ctx, read, row, demands)
  const late = (await known) ? null : await limitCaller(ctx, operation, caller, demands)
  if (late) return late
  if (isRefusal(caller)) return caller
  const worker = READERS[operation]
  if (worker) noteRing(ctx, row?.ring, worker)
  if (row && !(await known)) keepVerifier(ctx, caller.kid, { tenant: row.tenant, key: row.key })
  if (row?.user?.id !== caller.userId)
    return refuse('invalid_token', { evidence: { reason: 'session not live' } })
  return { caller, user: row.user, found }
}

/** By the key that this location keeps, or undefined when it keeps none: then only the database can tell. */
async function verifyWithoutTrip(
  ctx: Context,
  read: Read,
  demands: CallerDemands,
): Promise<Caller | Refusal | undefined> {
  const kept = await readKeptVerifier(ctx, read.claimed.kid)
  return kept && verify(ctx, read, kept, demands)
}

/**
 * Counts the address, and the session of a token that is known to be good. A session that a token merely claims is
 * never counted: whoever learns an id could use up its owner's calls.
 */
function limitCaller(
  ctx: Context,
  operation: CallerOperation,
  known: Caller | Refusal,
  { account }: CallerDemands,
) {
  const isKnown = !isRefusal(known)
  return checkLimits(ctx, operation, {
    ...(isKnown && { session: known.sessionId }),
    ...(isKnown && account !== undefined && { account: `${ctx.host}\0${account}` }),
  })
}

/** The order of checks: host, origin, key, signature and claims, tenant, age of the authentication. */
async function verify(
  ctx: Context,
  { token, claimed: { kid } }: Read,
  verifier: Verifier | undefined,
  { stepUp = false }: CallerDemands,
): Promise<Caller | Refusal> {
  const tenant = requireTenant(ctx, verifier?.tenant)
  if (isRefusal(tenant)) return tenant
  if (!verifier?.key) return refuse('invalid_token', { evidence: { reason: 'unknown key' } })
  const { issuer, audience } = tenant
  const claims = await verifyAccessToken(token, verifier.key, { issuer, audience, now: ctx.now() })
  if (claims === null || claims.tid !== tenant.id)
    return refuse('invalid_token', { evidence: { reason: 'not verified' } })
  const isOld = claims.auth_time < ctx.now().getTime() / 1000 - STEP_UP_SECONDS
  if (stepUp && isOld)
    return refuse('insufficient_user_authentication', { evidence: { subject: claims.sub } })
  return { tenant, userId: claims.sub, sessionId: claims.sid, kid }
}
