/** DELETE /v1/sessions/{id} — ends one session of the caller, also their own; 404 for that of another account. */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { endSessions } from './ending-store.ts'

export const revokeSession = operation(
  {
    id: 'revokeSession',
    method: 'DELETE',
    path: '/v1/sessions/:id',
    answers: { 204: null },
    refusals: ['not_found'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'revokeSession')
    if (isRefusal(caller)) return caller
    if (!UUID.test(id)) return refuse('not_found')

    const ended = await endSessions(ctx, caller, { one: id })
    const refused = refuseUnless(ended, caller)
    if (refused) return refused
    return ended.found === 0 ? refuse('not_found') : noContent()
  },
)
