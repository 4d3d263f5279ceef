/** The secret of an authenticator app that moves in with its account, sealed for its row. */
import type { Context } from '../context.ts'
import { seal } from '../crypto/sealing.ts'
import { newId } from '../events/outbox.ts'

export async function sealImportedSecret(
  ctx: Pick<Context, 'settings' | 'now' | 'random'>,
  secret: Uint8Array,
): Promise<{ id: string; sealedSecret: string }> {
  const id = newId(ctx)
  return { id, sealedSecret: await seal(ctx.settings.authKeys, 'seal:totp', secret, id, ctx.random) }
}
