/**
 * Who calls with an access token. The token names a key and a session; the database says whether both still count;
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
import { type Beside, countBeside } from '../limits/beside.ts'
import { checkLimits } from '../limits/check.ts'
import type { LIMITS, Limit, LimitedOperation } from '../limits/limits.ts'
import type { Besides } from '../limits/sliding-window.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { findCaller } from './caller-store.ts'
import {
  type Caller,
  type CallerFor,
  type Demands,
  type KeyCaller,
  refuseAuthentication,
  refuseUnless,
} from './demands.ts'
import { isApiKey, refuseKey, requireKey } from './key-caller.ts'

/** The operations that a caller is limited in by their session. */
export type CallerOperation = {
  [Name in LimitedOperation]: (typeof LIMITS)[Name] extends { redis: { session: Limit } } ? Name : never
}[LimitedOperation]

/** What goes with the call into the trip that counts it. */
type Counting = {
  /** An address that the call has us mail, which is counted besides: many accounts must not fill one mailbox. */
  account?: string
  /** What is done there, unless the call is refused. */
  besides?: (caller: Pick<Caller, 'userId' | 'sessionId' | 'kid'>) => Promise<Besides>
}

/** Of a caller who must be live, and no more. */
type Anyone = Record<never, never>

type Claimed = { kid: string; sid: string }
/** A key claims no session. */
type ClaimedFor<Demanded extends Demands> = KeyCaller<Demanded> extends CallerFor<Demanded> ? null : Claimed
type Read = { token: string; claimed: Claimed }

/** The token of the request and what it claims, or an API key. Refusals `missing_token`, `invalid_token`, `invalid_request`. */
function readToken(headers: Headers): Read | { apiKey: string } | Refusal {
  const token = readBearer(headers)
  if (isRefusal(token)) return token
  if (isApiKey(token)) return { apiKey: token }
  const claimed = readUnverified(token)
  return claimed === null ? refuse('invalid_token') : { token, claimed }
}

/**
 * For writes: the caller, by signature alone. The statement must join `callerOf`, which decides what is demanded.
 * @returns refusals `missing_token`, `invalid_token`, `invalid_request`, `unknown_host`, `origin_not_allowed`,
 * `rate_limited`, and `insufficient_user_authentication` where the token itself says that it is too old
 */
export async function requireCaller<const Demanded extends Demands = Anyone>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: Demanded = {} as Demanded, // who gives none demands nothing
  counting: Counting = {},
): Promise<CallerFor<Demanded> | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  if ('apiKey' in read) {
    const asked = await requireKey(ctx, read.apiKey, operation, demands, () => null)
    return isRefusal(asked) ? asked : (asked.caller as CallerFor<Demanded>) // it takes none where they do not
  }
  const { caller, keep } = await verifyForWrite(ctx, read, demands)
  const limited = await limitCaller(ctx, operation, caller, counting)
  if (limited) return limited
  keep()
  return caller as CallerFor<Demanded> | Refusal // a session is one of those
}

/**
 * The same for writes that are counted while `decide` runs (src/limits/beside.ts), of callers with a session.
 * @returns refusals as `requireCaller`, or what `decide` returns
 */
export async function decideBeside<const Demanded extends Demands & { takesKeys?: never }, Done>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation & Beside,
  demands: Demanded,
  decide: (caller: Caller<Demanded>) => Promise<Done>,
): Promise<Done | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  if ('apiKey' in read) return refuseKey(ctx, read.apiKey, operation)
  const { caller, keep } = await verifyForWrite(ctx, read, demands)
  const done = isRefusal(caller)
    ? ((await limitCaller(ctx, operation, caller)) ?? caller)
    : await countBeside(ctx, operation, { session: caller.sessionId }, () => decide(caller))
  if (!isRefusal(done) || done.refused !== 'rate_limited') keep()
  return done
}

/** By the key that this location keeps; one that keeps none asks for it first: the session and the account count here as they do elsewhere. */
async function verifyForWrite<Demanded extends Demands>(ctx: Context, read: Read, demands: Demanded) {
  const known = await verifyWithoutTrip(ctx, read, demands)
  if (known) return { caller: known.caller, keep: () => {} }
  const { kid } = read.claimed
  const verifier = await findVerifier(ctx, kid)
  const caller = await verify(ctx, read, verifier, demands)
  return {
    caller,
    keep: () => {
      if (verifier?.key) keepVerifier(ctx, kid, verifier)
    },
  }
}

/**
 * For reads: runs `query` in the same trip as the check of the caller. What it returns is only handed over
 * once the token has verified and the row of its session is as demanded. Refuses as `requireCaller` does, and as
 * `refuseUnless`.
 * @param query built from what the token claims, so it must be bound to the claimed session and to the host's tenant; where
 * API keys may come, to the host's tenant alone
 */
export async function readAsCaller<Query extends BatchItem<'pg'>, const Demanded extends Demands = Anyone>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  query: (claimed: ClaimedFor<Demanded>) => Query,
  demands: Demanded = {} as Demanded,
  counting: Counting = {},
): Promise<(KnownCaller<Demanded> & { found: Query['_']['result'] }) | Refusal> {
  const ask = async (claimed: Claimed) => {
    const [[row], found] = await ctx.db.batch([
      findCaller(ctx, claimed, READERS[operation] ?? null),
      query(claimed as ClaimedFor<Demanded>), // what no one may use is given all the same
    ])
    return { row, found }
  }
  const byKey = () => query(null as ClaimedFor<Demanded>) // as above
  return readLive(ctx, headers, operation, { ask, byKey }, demands, counting)
}

/** For reads that need nothing but the caller: one query. */
export async function readCaller<const Demanded extends Demands = Anyone>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: Demanded = {} as Demanded,
  counting: Counting = {},
): Promise<KnownCaller<Demanded> | Refusal> {
  const ask = async (claimed: Claimed) => {
    const [row] = await findCaller(ctx, claimed, READERS[operation] ?? null)
    return { row, found: undefined }
  }
  return readLive(ctx, headers, operation, { ask, byKey: () => null }, demands, counting)
}

/**
 * For writes that do something on the way which only such a caller may cause, e.g. a look-up in the DNS: the row is read
 * first, beside the limit. The statement must decide again, by `callerOf`.
 * @returns refusals as `readCaller`
 */
export async function requireLiveCaller<const Demanded extends Demands = Anyone>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: Demanded = {} as Demanded,
  counting: Counting = {},
): Promise<CallerFor<Demanded> | Refusal> {
  const read = await readCaller(ctx, headers, operation, demands, counting)
  return isRefusal(read) ? read : read.caller
}

/** Whose ring these reads report, while a key is being handed out: of the Workers that are asked nothing else by anyone. */
const READERS: Partial<Record<CallerOperation, KeyedWorker>> = {
  listApiKeys: 'api-key',
  listAuditEvents: 'admin',
  listFactors: 'mfa',
  listIdentities: 'social',
  listWebhooks: 'webhook',
}

type Found = Awaited<ReturnType<typeof findCaller>>[number]
/** An API key is no account, even if it is a person's. */
type KnownCaller<Demanded extends Demands> = {
  caller: CallerFor<Demanded>
  user: KeyCaller<Demanded> extends CallerFor<Demanded> ? null : Self
}

type Asking<Asked> = {
  ask: (claimed: Claimed) => Promise<{ row: Found | undefined; found: Asked }>
  /** What is asked besides, of a key. */
  byKey: () => BatchItem<'pg'> | null
}

/**
 * The limit and the question side by side, or one after the other where no key is kept here; then the signature, then
 * what the row of the session says.
 */
async function readLive<Asked, Demanded extends Demands>(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  { ask, byKey }: Asking<Asked>,
  demands: Demanded,
  counting: Counting = {},
): Promise<(KnownCaller<Demanded> & { found: Asked }) | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  if ('apiKey' in read) {
    const asked = await requireKey<Asked>(ctx, read.apiKey, operation, demands, byKey)
    return isRefusal(asked) ? asked : ({ ...asked, user: null } as KnownCaller<Demanded> & { found: Asked }) // see `requireCaller`
  }
  const known = verifyWithoutTrip(ctx, read, demands)
  const [early, { row, found }] = await Promise.all([
    known.then((kept) => kept && limitCaller(ctx, operation, kept.caller, counting)),
    ask(read.claimed),
  ])
  if (early) return early
  const caller = await verify(ctx, read, row, demands, await known)
  const late = (await known) ? null : await limitCaller(ctx, operation, caller, counting)
  if (late) return late
  if (isRefusal(caller)) return caller
  const worker = READERS[operation]
  if (worker) noteRing(ctx, row?.ring, worker)
  if (row && !(await known)) keepVerifier(ctx, caller.kid, { tenant: row.tenant, key: row.key })
  const user = row?.user?.id === caller.userId ? row.user : null
  const refused = refuseUnless({ caller: user && (row?.caller ?? null) }, caller)
  if (refused) return refused
  if (user === null) throw new TypeError('a caller without an account was not refused')
  return { caller, user, found } as KnownCaller<Demanded> & { found: Asked } // `user` is there, wherever it may be read
}

/** What a token was found to be, and by which key. */
type Verified<Demanded extends Demands> = { caller: Caller<Demanded> | Refusal; verifier: Verifier }

/** By the key that this location keeps, or undefined when it keeps none: then only the database can tell. */
async function verifyWithoutTrip<Demanded extends Demands>(
  ctx: Context,
  read: Read,
  demands: Demanded,
): Promise<Verified<Demanded> | undefined> {
  const verifier = await readKeptVerifier(ctx, read.claimed.kid)
  return verifier && { verifier, caller: await verify(ctx, read, verifier, demands) }
}

/**
 * Counts the address, and the session of a token that is known to be good. A session that a token merely claims is
 * never counted: an attacker who learns an id could use up its owner's calls.
 */
async function limitCaller(
  ctx: Context,
  operation: CallerOperation,
  known: Caller | Refusal,
  { account, besides }: Counting = {},
) {
  if (isRefusal(known)) return checkLimits(ctx, operation)
  const subjects = {
    session: known.sessionId,
    ...(account !== undefined && { account: `${ctx.host}\0${account}` }),
  }
  return checkLimits(ctx, operation, subjects, besides ? await besides(known) : null)
}

/**
 * The order of checks: host, origin, key, signature and claims, tenant, age of the authentication as the token knows it,
 * which saves a question: the row decides.
 * @param known what the token was found to be already: the same key for the same tenant says the same, and a signature and
 * the settings of a tenant are the dearest things that a read checks
 */
async function verify<Demanded extends Demands>(
  ctx: Context,
  { token, claimed: { kid } }: Read,
  verifier: Verifier | undefined,
  demands: Demanded,
  known?: Verified<Demanded>,
): Promise<Caller<Demanded> | Refusal> {
  if (known && verifier && !isRefusal(known.caller) && isSame(known.verifier, verifier)) return known.caller
  const tenant = requireTenant(ctx, verifier?.tenant)
  if (isRefusal(tenant)) return tenant
  if (!verifier?.key) return refuse('invalid_token', { evidence: { reason: 'unknown key' } })
  const { issuer, audience } = tenant
  const claims = await verifyAccessToken(token, verifier.key, { issuer, audience, now: ctx.now() })
  if (claims === null || claims.tid !== tenant.id)
    return refuse('invalid_token', { evidence: { reason: 'not verified' } })
  const { maxAge = Number.POSITIVE_INFINITY } = demands
  if (claims.auth_time < ctx.now().getTime() / 1000 - maxAge)
    return refuseAuthentication(claims.sub, 'aal2 aal1')
  return { tenant, userId: claims.sub, sessionId: claims.sid, kid, demands }
}

/** Whether the rows of the tenant and of the key are the same: then they say the same of a token. */
const isSame = (one: Verifier, other: Verifier): boolean =>
  JSON.stringify([one.tenant, one.key]) === JSON.stringify([other.tenant, other.key])
