/**
 * DELETE /v1/passkeys/{id}/second-factor — the passkey is asked for after no other factor any more, and signs in as before; the
 * recovery codes go with the last second factor. Every other session ends. Step-up, by something else than a passkey.
 */
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { removePasskeyFactor as remove } from './passkey-factor.ts'

export const removePasskeyFactor = operation(
  {
    id: 'removePasskeyFactor',
    method: 'DELETE',
    path: '/v1/passkeys/:id/second-factor',
    answers: { 204: null },
    refusals: ['not_found', 'second_factor_required'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => (await remove(ctx, headers, id)) ?? noContent(),
)
