/**
 * POST /v1/api-keys — a new key for a program that acts for the caller or, by an administrator, for the tenant. The key is in
 * this answer and in no other.
 */
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { createKey, MadeApiKey, NewApiKey } from './creating.ts'

export const createApiKey = operation(
  {
    id: 'createApiKey',
    method: 'POST',
    path: '/v1/api-keys',
    body: NewApiKey,
    answers: { 201: MadeApiKey },
    refusals: ['insufficient_role', 'too_many_api_keys'],
    caller: 'user',
    stepUp: true,
    idempotencyKey: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const idempotencyKey = readIdempotencyKey(headers)
    return isRefusal(idempotencyKey) ? idempotencyKey : createKey(ctx, headers, body, idempotencyKey)
  },
)
