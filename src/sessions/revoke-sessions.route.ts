/** DELETE /v1/sessions — End every session of the caller. `?except=current` keeps the current one. */
import * as v from 'valibot'
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { endOwnSessions } from './sessions.ts'

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
  async ({ ctx, headers, query: { except } }) =>
    (await endOwnSessions(ctx, headers, except === 'current' ? 'others' : 'all')) ?? noContent(),
)
