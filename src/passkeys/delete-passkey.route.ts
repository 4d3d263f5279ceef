/**
 * DELETE /v1/passkeys/{id} — Remove a passkey, unless it is a second factor or the only way to sign in. Every other session
 * ends. The answer is for `PublicKeyCredential.signalUnknownCredential()`, so that the browser no longer offers the passkey.
 */
import * as v from 'valibot'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { removeOwnPasskey } from './removal.ts'

export const deletePasskey = operation(
  {
    id: 'deletePasskey',
    method: 'DELETE',
    path: '/v1/passkeys/:id',
    answers: { 200: v.object({ rp_id: v.string(), credential_id: v.string() }) },
    refusals: ['not_found', 'last_way_in', 'passkey_is_second_factor'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const removed = await removeOwnPasskey(ctx, headers, id)
    return isRefusal(removed) ? removed : Response.json(removed)
  },
)
