/** The signing keys' cron: the first key, its successor's publication, and the change, each when it is due. */
import type { JobContext } from '../context.ts'
import { rotateSigningKeys } from './rotation.ts'

export async function keepSigningKeys(ctx: JobContext): Promise<void> {
  const { algorithm, keyDays } = ctx.settings.signing
  const { outcome, unopenable, signs } = await rotateSigningKeys(ctx, { algorithm, currentDays: keyDays })
  for (const { kid, keyId, reason } of unopenable)
    ctx.log('error', 'ALARM: signing key could not be decrypted and was replaced', {
      kid,
      key_id: keyId,
      cause: reason,
    })
  ctx.log('info', 'signing keys checked', {
    outcome,
    ...(signs && { kid: signs.kid, refused_seconds: signs.refusedSeconds }),
  })
}
