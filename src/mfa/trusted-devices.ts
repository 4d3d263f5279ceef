/** Taking trust back from browsers: a second factor is asked for there again. No step-up: it only asks for more. */
import type { Context } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { removeTrust } from '../sign-in/trusted-device-store.ts'

/** @returns null when it is gone; refusals as `requireCaller`, `not_found` */
export async function forgetDevice(ctx: Context, headers: Headers, id: string): Promise<Refusal | null> {
  const caller = await requireCaller(ctx, headers, 'removeTrustedDevice')
  if (isRefusal(caller)) return caller
  if (!UUID.test(id)) return refuse('not_found')
  const gone = await removeTrust(ctx, caller, id)
  return refuseUnless(gone, caller) ?? (gone.removed === 0 ? refuse('not_found') : null)
}

/** @returns null when all are gone, or there was none; refusals as `requireCaller` */
export async function forgetAllDevices(ctx: Context, headers: Headers): Promise<Refusal | null> {
  const caller = await requireCaller(ctx, headers, 'removeTrustedDevices')
  if (isRefusal(caller)) return caller
  return refuseUnless(await removeTrust(ctx, caller, null), caller)
}
