/** DELETE /v1/api-keys/{id} — the key counts for nothing from this answer on. An administrator may revoke anyone's. */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { revokeKey } from './api-key-store.ts'

export const revokeApiKey = operation(
  {
    id: 'revokeApiKey',
    method: 'DELETE',
    path: '/v1/api-keys/:id',
    answers: { 204: null },
    refusals: ['not_found'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'revokeApiKey')
    if (isRefusal(caller)) return caller
    if (!UUID.test(id)) return refuse('not_found')
    const revoked = await revokeKey(ctx, caller, id)
    const refused = refuseUnless(revoked, caller)
    if (refused) return refused
    return revoked.found === null ? refuse('not_found') : new Response(null, { status: 204 })
  },
)
