/**
 * Who calls with an access token. The token names a key and a session; the database says whether both stand;
 * the signature decides. Reads ask the database first and believe nothing until the signature holds (one trip);
 * writes check the signature first, because a statement cannot be taken back.
 */
import type { BatchItem } from 'drizzle-orm/batch'
import type { User } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { readUnverified, verifyAccessToken } from '../crypto/signing.ts'
import { readBearer } from '../http/bearer.ts'
import { requireVerifier, type Verifier } from '../keys/keys.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { findCaller } from './store.ts'

/** A caller whose token verified. Whether their session still lives is for the statement to say. */
export type Caller = { tenant: Tenant; userId: string; sessionId: string; kid: string }

type CallerContext = Pick<
  Context,
  'db' | 'host' | 'origin' | 'callerOrigin' | 'fetchSite' | 'readers' | 'log' | 'defer' | 'now'
>

type Claimed = { kid: string; sid: string }

/** The token of the request and what it claims. Refusals `missing_token`, `invalid_token`, `invalid_request`. */
function readToken(headers: Headers): { token: string; claimed: Claimed } | Refusal {
  const token = readBearer(headers)
  if (isRefusal(token)) return token
  const claimed = readUnverified(token)
  return claimed === null ? refuse('invalid_token') : { token, claimed }
}

/** For writes: the caller, by signature alone. The statement must join `callerIsLive`. */
export async function requireCaller(ctx: CallerContext, headers: Headers): Promise<Caller | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  const verifier = await requireVerifier(ctx, read.claimed.kid)
  return verify(ctx, read.token, read.claimed, verifier)
}

/**
 * For reads: runs `query` in the same trip as the check of the caller. What it returns is only handed over
 * once the token has verified and its session and account are live.
 * @param query built from what the token claims, so it must be bound to the claimed session and to the host's tenant
 */
export async function readAsCaller<Query extends BatchItem<'pg'>>(
  ctx: CallerContext,
  headers: Headers,
  query: (claimed: Claimed) => Query,
): Promise<(KnownCaller & { found: Query['_']['result'] }) | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  const [[row], found] = await ctx.db.batch([findCaller(ctx, read.claimed), query(read.claimed)])
  const known = await requireLive(ctx, read, row)
  return isRefusal(known) ? known : { ...known, found }
}

/** For reads that need nothing but the caller: one query. */
export async function readCaller(ctx: CallerContext, headers: Headers): Promise<KnownCaller | Refusal> {
  const read = readToken(headers)
  if (isRefusal(read)) return read
  const [row] = await findCaller(ctx, read.claimed)
  return requireLive(ctx, read, row)
}

type KnownCaller = { caller: Caller; user: User }

async function requireLive(
  ctx: CallerContext,
  { token, claimed }: { token: string; claimed: Claimed },
  row: Awaited<ReturnType<typeof findCaller>>[number] | undefined,
): Promise<KnownCaller | Refusal> {
  const caller = await verify(ctx, token, claimed, row)
  if (isRefusal(caller)) return caller
  if (row?.user?.id !== caller.userId)
    return refuse('invalid_token', { evidence: { reason: 'session not live' } })
  return { caller, user: row.user }
}

/** The order of checks: host, origin, key, signature and claims, tenant. */
async function verify(
  ctx: CallerContext,
  token: string,
  { kid }: Claimed,
  verifier: Verifier | undefined,
): Promise<Caller | Refusal> {
  const tenant = requireTenant(ctx, verifier?.tenant)
  if (isRefusal(tenant)) return tenant
  if (!verifier?.key) return refuse('invalid_token', { evidence: { reason: 'unknown key' } })
  const { issuer, audience } = tenant
  const claims = await verifyAccessToken(token, verifier.key, { issuer, audience, now: ctx.now() })
  if (claims === null || claims.tid !== tenant.id)
    return refuse('invalid_token', { evidence: { reason: 'not verified' } })
  return { tenant, userId: claims.sub, sessionId: claims.sid, kid }
}
