/**
 * Who is there, for a page: by the refresh cookie, which is read and not used up. A page that does something has the person
 * call the operation like everyone, with an access token that is made for this request and never leaves it.
 */
import type { BatchItem } from 'drizzle-orm/batch'
import type { Self } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { type CallerRow, type Demands, refuseUnless } from '../guard/demands.ts'
import { readRefreshCookie } from '../http/cookies.ts'
import { type KeyedWorker, noteRing, requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { findPresent, presentSession } from './presence-store.ts'
import { type KeyedTokenHash, parseRefreshToken, refreshTokenHashes } from './refresh-token.ts'
import { issueAccessToken, type Session } from './tokens.ts'

/** A page renews the session this often at most. */
export const RENEW_SECONDS = 300

export type Present = {
  tenant: Tenant
  user: Self
  session: Session
  /** As the guard reads it. */
  state: NonNullable<CallerRow>
  /** Whether the session's refresh token is so old that a page should renew it. */
  isRenewalDue: boolean
  key: Parameters<typeof openCurrentKey>[1]
}

/** Which session a query of a page is about: the cookie's. */
export type OwnSession = ReturnType<typeof presentSession>

type Found = Awaited<ReturnType<typeof findPresent>>

/**
 * Reads who is there, and with `query` what the page shows of theirs: one trip. What it returns is the page's to show only
 * where someone is there.
 * @returns `present` null where no one is signed in; refusals `unknown_host`, `origin_not_allowed`, `invalid_request` (two cookies)
 * @throws Fault where the cookie may be of a key that this Worker lacks
 */
export async function readPresence<const Queries extends readonly BatchItem<'pg'>[]>(
  ctx: Context,
  headers: Headers,
  queries: (own: OwnSession) => Queries | Promise<Queries>,
  worker: KeyedWorker,
): Promise<{ tenant: Tenant; present: Present | null; found: Results<Queries> } | Refusal> {
  const cookie = readRefreshCookie(headers)
  if (isRefusal(cookie)) return cookie
  const token = parseRefreshToken(cookie ?? '')
  const presented: KeyedTokenHash[] =
    token === null ? [] : await refreshTokenHashes(ctx.settings.authKeys, token)
  const [rows, ...found] = (await ctx.db.batch([
    findPresent(ctx, presented, worker),
    ...(await queries(presentSession(ctx, presented))),
  ])) as unknown as [Found, ...Results<Queries>] // a batch answers in the order of what it was asked
  const [row] = rows
  const tenant = requireTenant(ctx, row?.tenant)
  if (isRefusal(tenant)) return tenant
  // Of a key that this Worker lacks, perhaps: then no one can tell who is there.
  if (token !== null && !row?.user) requireKeys(ctx, row?.ring, worker)
  else noteRing(ctx, row?.ring, worker)
  return { tenant, present: presentIn(ctx, tenant, row), found: found as unknown as Results<Queries> }
}

type Results<Queries extends readonly BatchItem<'pg'>[]> = {
  [Index in keyof Queries]: Queries[Index]['_']['result']
}

function presentIn(
  ctx: Pick<Context, 'outcome'>,
  tenant: Tenant,
  row: Found[number] | undefined,
): Present | null {
  if (!row?.user || !row.session || !row.state) return null
  ctx.outcome.subject = row.user.id
  const { user, session, state, key } = row
  return { tenant, user, session, state, key, isRenewalDue: row.renewedSecondsAgo > RENEW_SECONDS }
}

/** Whether they are as an operation demands it, before they fill in its form: the operation asks again. */
export const meets = ({ tenant, user, session, state }: Present, demands: Demands): Refusal | null =>
  refuseUnless({ caller: state }, { tenant, userId: user.id, sessionId: session.id, kid: '', demands })

/**
 * The request's headers as the person's own client would send them to an operation.
 * @throws Fault where nothing can be signed
 */
export async function asCaller(ctx: Context, headers: Headers, present: Present): Promise<Headers> {
  const key = await openCurrentKey(ctx, present.key)
  const issued = { ...present, key, refreshToken: null, refreshExpiresInSeconds: 0 }
  const { accessToken } = await issueAccessToken(ctx, issued)
  const called = new Headers(headers)
  called.set('authorization', `Bearer ${accessToken}`)
  return called
}
