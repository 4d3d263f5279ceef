/** `npm run keys -- rotate`: the next step of a rotation of the signing keys. */
import { PUBLISHED_HOURS, rotateSigningKeys } from '../src/keys/rotation.ts'
import type { OperatorContext } from './context.ts'

export async function rotate(ctx: OperatorContext, flags: string[]): Promise<void> {
  const unknown = flags.find((flag) => flag !== '--es256' && flag !== '--now')
  if (unknown) throw new Error(`unknown option ${unknown}`)
  const algorithm = flags.includes('--es256') ? 'ES256' : 'EdDSA'
  const { outcome } = await rotateSigningKeys(ctx, { algorithm, immediately: flags.includes('--now') })
  const meaning = {
    first_key: 'made the first signing key; it signs now',
    published: `published the next key; rotate again after ${PUBLISHED_HOURS} hours to let it sign`,
    rotated: 'the published key signs now; its successor is published',
    too_early: `the next key has not been published for ${PUBLISHED_HOURS} hours yet (--now skips the wait)`,
  }
  console.log(meaning[outcome])
}
