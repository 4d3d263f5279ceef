/** A signed-in caller uses a passkey once more, which they had before their session began (RFC 9470). */
import type { Context } from '../context.ts'
import { fromBase64Url } from '../crypto/base64.ts'
import { readAsCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { verifyAnswer } from '../passkeys/assertion.ts'
import { browserOf, type Ceremony, keepChallenge, newChallenge, takeChallenge } from '../passkeys/ceremony.ts'
import { type Assertion, readClientData, refusePasskey } from '../passkeys/credential.ts'
import { requestOptions } from '../passkeys/options.ts'
import { relyingPartyOf } from '../passkeys/relying-party.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import { renewedTokens } from '../sign-in/renewal-store.ts'
import type { Options } from './passkey-step.ts'
import { findAnsweredBefore, findOfferedBefore, stepUpWithPasskeyRow } from './passkey-step-up-store.ts'

const purposeOf = ({ userId }: { userId: string }) => ({ kind: 'step_up', userId }) as const

/**
 * Makes the challenge: limit and challenge ∥ read.
 * @returns refusals as `readAsCaller`, `no_second_factor` (no passkey of before)
 */
export async function beginPasskeyStepUp(ctx: Context, headers: Headers): Promise<Options | Refusal> {
  const challenge = newChallenge(ctx)
  const browser = browserOf(ctx, headers)
  const read = await readAsCaller(
    ctx,
    headers,
    'beginStepUpWithPasskey',
    ({ sid }) => findOfferedBefore(ctx, sid),
    {},
    { besides: (caller) => keepChallenge(ctx, challenge, { purpose: purposeOf(caller), browser }) },
  )
  if (isRefusal(read)) return read
  const offered = read.found[0]?.offered ?? []
  if (offered.length === 0) return refuse('no_second_factor')
  return { options: requestOptions(challenge, relyingPartyOf(read.caller.tenant), offered), browser }
}

/**
 * (limit and challenge ∥ read) → verify → one batch.
 * @returns tokens with a fresh `auth_time`; refusals as `readAsCaller`, `invalid_passkey`
 */
export async function finishPasskeyStepUp(
  ctx: Context,
  headers: Headers,
  assertion: Assertion,
): Promise<IssuedTokens | Refusal> {
  const clientData = readClientData(assertion.response.clientDataJSON)
  const credentialId = fromBase64Url(assertion.id) ?? new Uint8Array()
  let taken: () => Ceremony | null = () => null
  const take = async (caller: { userId: string }) => {
    const taking = await takeChallenge(ctx, clientData?.challenge ?? '', {
      purpose: purposeOf(caller),
      headers,
    })
    taken = taking.taken
    return taking.besides
  }
  const read = await readAsCaller(
    ctx,
    headers,
    'stepUpWithPasskey',
    ({ sid }) => findAnsweredBefore(ctx, sid, credentialId),
    {},
    { besides: take },
  )
  if (isRefusal(read)) return read
  const { caller, user } = read
  const [row] = read.found
  requireKeys(ctx, row?.ring, 'passkey')
  const ceremony = taken()
  if (!clientData || !ceremony) return refusePasskey('no such challenge')
  const stored = row?.credential
  const publicKey = stored && fromBase64Url(stored.publicKey)
  if (!stored || !publicKey) return refusePasskey('no passkey of theirs from before the session')
  const { tenant, userId } = caller
  const credential = { ...stored, publicKey, userId }
  const verified = await verifyAnswer(assertion, { clientData, tenant, credential, withHandle: false })
  if (isRefusal(verified)) return verified
  const key = await openCurrentKey(ctx, row.key)
  const renewed = await stepUpWithPasskeyRow(ctx, caller, { ...verified, id: stored.id, ceremony })
  if (!renewed.session)
    return (
      refuseUnless(renewed, caller) ??
      refusePasskey('challenge used before, counter went back, or passkey gone')
    )
  return renewedTokens({ caller, user, key }, renewed.session)
}
