/**
 * POST /v1/impersonations — Act as another person, where the tenant allows it: an access token of their account that names the
 * administrator (`act`, RFC 8693), for at most 30 minutes and without a refresh token. The person is told by email. It cannot
 * change anything of the account. POST /v1/logout with it ends it.
 */
import * as v from 'valibot'
import { presentUser, UserAnswer } from '../accounts/accounts.ts'
import { readAsCaller } from '../guard/caller.ts'
import { ADMIN, refuseUnless } from '../guard/demands.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { DisplayName, text, UUID } from '../http/input.ts'
import { requireOwnKey } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { issueAccessToken } from '../sessions/tokens.ts'
import { beginImpersonation, findToImpersonate } from './impersonation-store.ts'

const MAX_SECONDS = 1800

export const impersonateUser = operation(
  {
    id: 'impersonateUser',
    method: 'POST',
    path: '/v1/impersonations',
    body: v.strictObject({
      user_id: v.pipe(text(36), v.regex(UUID, 'invalid_id')),
      /** Why, in the administrator's words; one line, kept in the event, which the person may read. */
      reason: DisplayName,
    }),
    answers: {
      201: v.object({
        access_token: v.string(),
        token_type: v.literal('Bearer'),
        expires_in: v.number(),
        session: v.object({ id: v.pipe(v.string(), v.uuid()), expires_at: AnsweredInstant }),
        user: UserAnswer,
      }),
    },
    refusals: ['not_found', 'impersonation_refused'],
    caller: 'admin',
    permission: 'latchkey:users:impersonate',
    stepUp: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, demands, body: { user_id: userId, reason } }) => {
    const find = () => findToImpersonate(ctx, userId)
    const read = await readAsCaller(ctx, headers, 'impersonateUser', find, {
      ...demands,
      role: ADMIN, // what keeps the session alive (guard/live-store.ts)
    })
    if (isRefusal(read)) return read
    const { caller } = read
    const { tenant } = caller
    const [found] = read.found
    if (tenant.policy.impersonation !== 'allowed') return refuse('impersonation_refused')
    if (!found?.user) return refuse('not_found')
    if (!found.mayBe || userId === caller.userId) return refuse('impersonation_refused')
    requireOwnKey(ctx, found.ring, 'session')
    const key = await openCurrentKey(ctx, found.key)

    const seconds = Math.min(tenant.policy.access_token_seconds, MAX_SECONDS)
    const outcome = await beginImpersonation(ctx, caller, { userId, reason, seconds })
    const refused = refuseUnless(outcome, caller)
    if (refused) return refused
    const { begun } = outcome
    if (!begun) return refuse('impersonation_refused')
    const { startedAt: authTime, ...rest } = begun
    const session = { ...rest, authTime, amr: [], aal: 1 }
    const issued = { tenant, key, user: found.user, session }
    const { accessToken, expiresInSeconds } = await issueAccessToken(ctx, issued, caller.userId)
    return Response.json(
      {
        access_token: accessToken,
        token_type: 'Bearer',
        expires_in: expiresInSeconds,
        session: { id: session.id, expires_at: instant(session.expiresAt) },
        user: presentUser(found.user),
      },
      { status: 201 },
    )
  },
)
