/** DELETE /v1/identities/{id} — that account at a provider signs in no more, unless nothing else opens this one. Every other session ends. */
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { unlinkOwn } from './unlinking.ts'

export const unlinkIdentity = operation(
  {
    id: 'unlinkIdentity',
    method: 'DELETE',
    path: '/v1/identities/:id',
    answers: { 204: null },
    refusals: ['not_found', 'last_way_in'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => (await unlinkOwn(ctx, headers, id)) ?? noContent(),
)
