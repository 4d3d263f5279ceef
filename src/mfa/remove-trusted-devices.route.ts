/** DELETE /v1/mfa/trusted-devices — a second factor is asked for in every browser again. No step-up: it only asks for more. */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { removeTrust } from '../sign-in/trusted-device-store.ts'

export const removeTrustedDevices = operation(
  {
    id: 'removeTrustedDevices',
    method: 'DELETE',
    path: '/v1/mfa/trusted-devices',
    answers: { 204: null },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const caller = await requireCaller(ctx, headers, 'removeTrustedDevices')
    if (isRefusal(caller)) return caller
    return refuseUnless(await removeTrust(ctx, caller, null), caller) ?? noContent()
  },
)
