/** DELETE /v1/mfa/trusted-devices/{id} — a second factor is asked for in that browser again. No step-up: it only asks for more. */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { removeTrust } from '../sign-in/trusted-device-store.ts'

export const removeTrustedDevice = operation(
  {
    id: 'removeTrustedDevice',
    method: 'DELETE',
    path: '/v1/mfa/trusted-devices/:id',
    answers: { 204: null },
    refusals: ['not_found'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const caller = await requireCaller(ctx, headers, 'removeTrustedDevice')
    if (isRefusal(caller)) return caller
    if (!UUID.test(id)) return refuse('not_found')
    const gone = await removeTrust(ctx, caller, id)
    return refuseUnless(gone, caller) ?? (gone.removed === 0 ? refuse('not_found') : noContent())
  },
)
