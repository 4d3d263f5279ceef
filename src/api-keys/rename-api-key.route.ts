/** PATCH /v1/api-keys/{id} — the name of a key of the caller's or, for an administrator, of the tenant's. */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { DisplayName, UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { ApiKeyAnswer, presentKey } from './api-key-answer.ts'
import { renameKey } from './api-key-store.ts'

export const renameApiKey = operation(
  {
    id: 'renameApiKey',
    method: 'PATCH',
    path: '/v1/api-keys/:id',
    body: v.strictObject({ name: DisplayName }),
    answers: { 200: ApiKeyAnswer },
    refusals: ['not_found'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id }, body: { name } }) => {
    const caller = await requireCaller(ctx, headers, 'renameApiKey')
    if (isRefusal(caller)) return caller
    if (!UUID.test(id)) return refuse('not_found')
    const renamed = await renameKey(ctx, caller, id, name)
    const refused = refuseUnless(renamed, caller)
    if (refused) return refused
    return renamed.found === null ? refuse('not_found') : Response.json(presentKey(renamed.found))
  },
)
