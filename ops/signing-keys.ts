/** `npm run keys -- rotate` and `-- revoke`: the steps of the signing keys that an operator takes. */
import type { SigningAlgorithm } from '../src/crypto/signing.ts'
import { PUBLIC_SECONDS } from '../src/http/answer.ts'
import { type Rotated, revokeSigningKeys, rotateSigningKeys } from '../src/keys/rotation.ts'
import { PUBLISHED_HOURS } from '../src/keys/rotation-store.ts'
import { JWKS_STALE_SECONDS } from '../src/keys/staleness.ts'
import type { OperatorContext } from './context.ts'

export async function rotate(ctx: OperatorContext, flags: string[]): Promise<void> {
  const unknown = flags.find((flag) => flag !== '--es256' && flag !== '--now')
  if (unknown) throw new Error(`unknown option ${unknown}`)
  const immediately = flags.includes('--now')
  const algorithm = algorithmOf(flags) ?? 'EdDSA'
  const { outcome, unopenable, signs } = await rotateSigningKeys(ctx, { algorithm, immediately })
  for (const { kid, reason } of unopenable)
    console.log(`replaced ${kid}, which could not be decrypted: ${reason}`)
  const meaning = {
    first_key: 'created the first signing key; it signs now',
    published: `published the next key; rotate again after ${PUBLISHED_HOURS} hours to make it sign`,
    rotated: 'the published key signs now; its successor is published',
    replaced: signs ? 'a readable key signs now; its successor is published' : 'published another next key',
    too_early: immediately
      ? 'another rotation ran at the same time; nothing changed'
      : `the next key has not been published for ${PUBLISHED_HOURS} hours yet (--now skips the wait)`,
  }
  console.log(meaning[outcome])
  if (outcome !== 'first_key') explain(signs)
}

/** @throws when a kid is not known; nothing is revoked then */
export async function revoke(ctx: OperatorContext, args: string[]): Promise<void> {
  const kids = args.filter((arg) => arg !== '--es256') // a kid may begin with a dash
  if (kids.length === 0) throw new Error('which key? npm run keys -- revoke <kid>…; npm run keys lists them')
  const { ended, unknown, signs } = await revokeSigningKeys(ctx, kids, algorithmOf(args))
  if (unknown.length > 0)
    throw new Error(
      `there is no signing key ${unknown.join(', ')}; nothing was revoked. npm run keys lists them`,
    )
  for (const kid of kids)
    console.log(ended.includes(kid) ? `revoked ${kid}` : `${kid} was already revoked or expired`)
  if (ended.length > 0)
    console.log(
      'Latchkey refuses their tokens from now on. Sessions continue, and clients refresh. ' +
        `APIs that verify offline accept them until their cached JWKS expires: up to ${inMinutes(JWKS_STALE_SECONDS)}.`,
    )
  explain(signs)
}

/** What a change of the signing key means for those who verify with a JWKS from before it. */
function explain(signs: Rotated['signs']): void {
  if (!signs) return
  console.log(`${signs.kid} signs now`)
  const explanation =
    'It was published only recently. Verifiers with an older JWKS refuse its tokens: ' +
    `up to ${inMinutes(Math.max(0, signs.refusedSeconds - PUBLIC_SECONDS))} when they fetch it again for an unknown kid (jose does), ` +
    `up to ${inMinutes(signs.refusedSeconds)} when they wait for its max-age. Latchkey itself accepts them at once.`
  console.log(signs.refusedSeconds === 0 ? 'Every cached JWKS that has not expired has it.' : explanation)
}

const algorithmOf = (flags: string[]): SigningAlgorithm | undefined =>
  flags.includes('--es256') ? 'ES256' : undefined

function inMinutes(seconds: number): string {
  const minutes = Math.ceil(seconds / 60)
  return minutes === 1 ? '1 minute' : `${minutes} minutes`
}
