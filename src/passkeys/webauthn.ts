/**
 * Verifies what authenticators made, by @simplewebauthn/server. Loaded when the first passkey comes (`await import`), so that
 * a Worker which also answers other operations starts without it. It is given nothing that could make it ask the network:
 * a certificate of an authenticator names a list of revoked ones, which the library would fetch.
 */
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server'
import { decodeAttestationObject, isoBase64URL } from '@simplewebauthn/server/helpers'
import { isRefusal, type Refusal } from '../problem.ts'
import { type Assertion, type NewCredential, refusePasskey } from './credential.ts'
import { ALGORITHMS } from './options.ts'
import type { RelyingParty } from './relying-party.ts'

export type VerifiedCredential = {
  credentialId: Uint8Array
  publicKey: Uint8Array
  counter: number
  aaguid: string
  backupEligible: boolean
  backedUp: boolean
}

/** RSA of 8192 bits has 1,040. */
const MAX_PUBLIC_KEY_BYTES = 1100

/**
 * WebAuthn §7.1, from the challenge on; `checkClientData` has looked at the rest of the client data.
 * @param expected.isConditional whether the browser made it by itself, which a person neither sees nor confirms
 * @returns refusal `invalid_passkey`
 */
export async function verifyNewCredential(
  credential: NewCredential,
  expected: { challenge: string; party: RelyingParty; isConditional: boolean },
): Promise<VerifiedCredential | Refusal> {
  const { challenge, party, isConditional } = expected
  const verified = await refuseThrown(async () => {
    const refused = refuseAttestation(credential.response.attestationObject)
    if (refused) return refused
    const { registrationInfo, verified } = await verifyRegistrationResponse({
      response: credential as Parameters<typeof verifyRegistrationResponse>[0]['response'], // its types list every transport
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      supportedAlgorithmIDs: [...ALGORITHMS],
      requireUserPresence: !isConditional,
      requireUserVerification: !isConditional,
    })
    return verified ? registrationInfo : refusePasskey('not verified')
  })
  if (isRefusal(verified)) return verified
  const { credential: made, aaguid, credentialDeviceType, credentialBackedUp } = verified
  const credentialId = isoBase64URL.toBuffer(made.id)
  if (made.id !== credential.id) return refusePasskey('another credential id')
  if (credentialId.length > 1023) return refusePasskey('credential id too long')
  if (made.publicKey.length > MAX_PUBLIC_KEY_BYTES) return refusePasskey('public key too long')
  return {
    credentialId,
    publicKey: made.publicKey,
    counter: made.counter,
    aaguid,
    backupEligible: credentialDeviceType === 'multiDevice',
    backedUp: credentialBackedUp,
  }
}

/** We ask for no attestation: then there is none, or the passkey's own key has signed (WebAuthn §5.4.7, §8.2). */
function refuseAttestation(attestationObject: string): Refusal | null {
  const decoded = decodeAttestationObject(isoBase64URL.toBuffer(attestationObject))
  const format = decoded.get('fmt')
  if (format === 'none') return null
  const isOwn = format === 'packed' && decoded.get('attStmt').get('x5c') === undefined
  return isOwn ? null : refusePasskey('an attestation that was not asked for')
}

export type VerifiedAssertion = { counter: number; backupEligible: boolean; backedUp: boolean }

/**
 * WebAuthn §7.2, from the challenge on, but for the counter: that is for the statement to say, which sees the newest.
 * @returns refusal `invalid_passkey`
 */
export async function verifyAssertion(
  assertion: Assertion,
  expected: { challenge: string; party: RelyingParty; publicKey: Uint8Array },
): Promise<VerifiedAssertion | Refusal> {
  const { challenge, party, publicKey } = expected
  const { clientDataJSON, authenticatorData, signature } = assertion.response
  const verified = await refuseThrown(async () => {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: {
        ...assertion,
        response: { clientDataJSON, authenticatorData, signature },
        clientExtensionResults: {},
      },
      expectedChallenge: challenge,
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: true,
      credential: { id: assertion.id, publicKey: new Uint8Array(publicKey), counter: 0 },
    })
    return verified ? authenticationInfo : refusePasskey('wrong signature')
  })
  if (isRefusal(verified)) return verified
  const { newCounter, credentialDeviceType, credentialBackedUp } = verified
  return {
    counter: newCounter,
    backupEligible: credentialDeviceType === 'multiDevice',
    backedUp: credentialBackedUp,
  }
}

/** The library throws for whatever a caller got wrong; its texts quote what they sent. */
async function refuseThrown<T>(verify: () => Promise<T | Refusal>): Promise<T | Refusal> {
  try {
    return await verify()
  } catch {
    return refusePasskey('not verified')
  }
}
