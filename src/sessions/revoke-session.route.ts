/**
 * DELETE /v1/sessions/{id} — End one of the caller's sessions, the current one included. Answers 404 for a session of
 * another account.
 */
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { endOwnSession } from './sessions.ts'

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
  async ({ ctx, headers, params: { id } }) => (await endOwnSession(ctx, headers, id)) ?? noContent(),
)
