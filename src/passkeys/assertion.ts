/** Whether a passkey of an account has signed what it was asked to: the same for every door that takes one. */
import { isRefusal, type Refusal } from '../problem.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { type Assertion, type ClientData, checkClientData, refusePasskey } from './credential.ts'
import { relyingPartyOf } from './relying-party.ts'
import { isHandleOf } from './user-handle.ts'
import type { VerifiedAssertion } from './webauthn.ts'

export type StoredCredential = {
  userId: string
  publicKey: Uint8Array
  backupEligible: boolean
  /** Then the user handle is another system's, which may not have kept it. The credential id and the signature say whose it is. */
  isImported: boolean
}

/**
 * @param asked.withHandle whether the authenticator must say whose passkey it is: where it was not asked for by its id
 * @returns refusal `invalid_passkey`
 */
export async function verifyAnswer(
  assertion: Assertion,
  {
    clientData,
    tenant,
    credential,
    withHandle,
  }: { clientData: ClientData; tenant: Tenant; credential: StoredCredential; withHandle: boolean },
): Promise<VerifiedAssertion | Refusal> {
  const party = relyingPartyOf(tenant)
  const refused = checkClientData(clientData, { type: 'webauthn.get', party })
  if (refused) return refused
  const { verifyAssertion } = await import('./webauthn.ts')
  const { challenge } = clientData
  const { publicKey, userId } = credential
  const verified = await verifyAssertion(assertion, { challenge, party, publicKey })
  if (isRefusal(verified)) return verified
  if (credential.isImported) return verified
  const { userHandle } = assertion.response
  const isAbsent = userHandle === null || userHandle === undefined
  if (isAbsent ? withHandle : !isHandleOf(userHandle, userId)) return refusePasskey('another user handle')
  // It never changes (WebAuthn §7.2): another authenticator has signed with a copy of the key.
  if (verified.backupEligible !== credential.backupEligible)
    return refusePasskey('backup eligibility changed')
  return verified
}
