/** DELETE /v1/sessions — ends every session of the caller; `?except=current` spares the one that calls. */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { endSessions } from './ending-store.ts'

export const revokeSessions = operation(
  {
    id: 'revokeSessions',
    method: 'DELETE',
    path: '/v1/sessions',
    query: v.strictObject({ except: v.optional(v.picklist(['current'])) }),
    answers: { 204: null },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, query: { except } }) => {
    const caller = await requireCaller(ctx, headers, 'revokeSessions')
    if (isRefusal(caller)) return caller

    const ended = await endSessions(ctx, caller, except === 'current' ? 'others' : 'all')
    return refuseUnless(ended, caller) ?? noContent()
  },
)
