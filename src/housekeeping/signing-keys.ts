/** The signing keys' cron: the first key, its successor's publication, and the change, each when it is due. */
import type { JobContext } from '../context.ts'
import { rotateSigningKeys } from '../keys/rotation.ts'

export async function keepSigningKeys(ctx: JobContext): Promise<void> {
  const { algorithm, keyDays } = ctx.settings.signing
  const { outcome } = await rotateSigningKeys(ctx, { algorithm, currentDays: keyDays })
  ctx.log('info', 'signing keys kept', { outcome })
}
