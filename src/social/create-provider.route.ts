/** POST /v1/admin/providers — a provider that the people of the tenant may sign in with. Its secret is in no answer. */
import { requireCaller, requireLiveCaller } from '../guard/caller.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { addProvider, ProviderAnswer, ProviderInput } from './providers.ts'

export const createProvider = operation(
  {
    id: 'createProvider',
    method: 'POST',
    path: '/v1/admin/providers',
    body: ProviderInput,
    answers: { 201: ProviderAnswer },
    refusals: ['provider_exists', 'too_many_providers'],
    caller: 'admin',
    permission: 'latchkey:providers:write',
    stepUp: true,
    idempotencyKey: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, demands, body }) => {
    const idempotencyKey = readIdempotencyKey(headers)
    if (isRefusal(idempotencyKey)) return idempotencyKey
    // The issuer's name is looked up, which no one but an administrator may have us do: with a key the role is read before.
    const require = idempotencyKey === null ? requireLiveCaller : requireCaller
    const caller = await require(ctx, headers, 'createProvider', demands)
    return isRefusal(caller) ? caller : addProvider(ctx, caller, body, idempotencyKey)
  },
)
