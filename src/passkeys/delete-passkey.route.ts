/**
 * DELETE /v1/passkeys/{id} — takes a passkey away, unless nothing else opens the account. Every other session ends. The
 * answer is what a page hands to `PublicKeyCredential.signalUnknownCredential()`, so that the browser offers it no more.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { removePasskey } from './passkey-store.ts'
import { relyingPartyOf } from './relying-party.ts'

export const deletePasskey = operation(
  {
    id: 'deletePasskey',
    method: 'DELETE',
    path: '/v1/passkeys/:id',
    answers: { 200: v.object({ rp_id: v.string(), credential_id: v.string() }) },
    refusals: ['not_found', 'last_way_in'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'deletePasskey', STEP_UP)
    if (isRefusal(caller)) return caller
    if (!UUID.test(id)) return refuse('not_found')

    const removed = await removePasskey(ctx, caller, id)
    const refused = refuseUnless(removed, caller)
    if (refused) return refused
    const { found, credentialId } = removed
    if (found === 0) return refuse('not_found')
    if (credentialId === null) return refuse('last_way_in')
    return Response.json({ rp_id: relyingPartyOf(caller.tenant).id, credential_id: credentialId })
  },
)
