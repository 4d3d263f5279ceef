/** DELETE /v1/api-keys/{id} — the key counts for nothing from this answer on. An administrator may revoke anyone's. */
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { revoke } from './revoking.ts'

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
  async ({ ctx, headers, params: { id } }) => (await revoke(ctx, headers, id)) ?? noContent(),
)
