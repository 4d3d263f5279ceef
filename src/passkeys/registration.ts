/** Adding a passkey to an account: its owner has signed in within the last minutes, and their device makes the key. */
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import { readAsCaller, requireLiveCaller } from '../guard/caller.ts'
import { refuseUnless, STEP_UP } from '../guard/demands.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { deviceLabel } from '../sessions/device.ts'
import {
  type Browser,
  browserOf,
  type Ceremony,
  keepChallenge,
  newChallenge,
  takeChallenge,
} from './ceremony.ts'
import { checkClientData, type NewCredential, readClientData, refusePasskey } from './credential.ts'
import { creationOptions } from './options.ts'
import { type Added, addPasskey, type FoundPasskey, findPasskeys } from './passkey-store.ts'
import { relyingPartyOf } from './relying-party.ts'

/**
 * Makes the challenge: limit and challenge ∥ read.
 * @returns refusals as `readAsCaller`, and `insufficient_user_authentication`
 */
export async function beginRegistration(
  ctx: Context,
  headers: Headers,
  { isConditional }: { isConditional: boolean },
): Promise<{ options: ReturnType<typeof creationOptions>; browser: Browser } | Refusal> {
  const challenge = newChallenge(ctx)
  const browser = browserOf(ctx, headers)
  const keep = ({ userId }: { userId: string }) =>
    keepChallenge(ctx, challenge, { purpose: { kind: 'register', userId }, browser, isConditional })
  const read = await readAsCaller(
    ctx,
    headers,
    'beginPasskeyRegistration',
    (claimed) => findPasskeys(ctx, claimed),
    STEP_UP,
    { besides: keep },
  )
  if (isRefusal(read)) return read
  const party = relyingPartyOf(read.caller.tenant)
  const options = creationOptions(challenge, { party, user: read.user, existing: read.found, isConditional })
  return { options, browser }
}

/**
 * Verifies what the device made and adds it: (limit and challenge ∥ read) → verify → one batch.
 * @param made.name how the person calls it; a name of their device, unless given
 * @returns refusals as `requireLiveCaller`, `invalid_passkey`, `passkey_exists`,
 * `too_many_passkeys`
 */
export async function finishRegistration(
  ctx: Context,
  headers: Headers,
  { credential, name }: { credential: NewCredential; name: string | undefined },
): Promise<FoundPasskey | Refusal> {
  const clientData = readClientData(credential.response.clientDataJSON)
  let taken: () => Ceremony | null = () => null
  const take = async ({ userId }: { userId: string }) => {
    const purpose = { kind: 'register', userId } as const
    const taking = await takeChallenge(ctx, clientData?.challenge ?? '', { purpose, headers })
    taken = taking.taken
    return taking.besides
  }
  const caller = await requireLiveCaller(ctx, headers, 'finishPasskeyRegistration', STEP_UP, {
    besides: take,
  })
  if (isRefusal(caller)) return caller
  const ceremony = taken()
  if (!clientData || !ceremony) return refusePasskey('no such challenge')
  const party = relyingPartyOf(caller.tenant)
  const refused = checkClientData(clientData, { type: 'webauthn.create', party })
  if (refused) return refused
  // Not discoverable: nothing on the device would offer it where no address has been typed.
  if (credential.clientExtensionResults.credProps?.rk === false) return refusePasskey('not discoverable')

  const { verifyNewCredential } = await import('./webauthn.ts')
  const { challenge } = clientData
  const { isConditional } = ceremony
  const verified = await verifyNewCredential(credential, { challenge, party, isConditional })
  if (isRefusal(verified)) return verified
  const passkey = {
    ...verified,
    id: newId(ctx),
    name: name ?? deviceLabel(ctx.client.userAgent) ?? 'Passkey',
    transports: [...new Set(credential.response.transports)],
  }
  const added = await addPasskey(ctx, { caller, ceremony, passkey })
  const notAdded = refuseUnless(added, caller) ?? whyNotAdded(added)
  if (notAdded || added.createdAt === null) return notAdded ?? refuse('passkey_exists')
  const { id, transports, backedUp, aaguid } = passkey
  const { createdAt } = added
  const credentialId = credential.id
  return {
    id,
    credentialId,
    name: passkey.name,
    transports,
    backedUp,
    aaguid,
    isSecondFactor: false,
    signsIn: true,
    createdAt,
    lastUsedAt: null,
  }
}

function whyNotAdded({ ceremonies, hasRoom }: Added): Refusal | null {
  if (ceremonies === 0) return refusePasskey('challenge used before')
  return hasRoom ? null : refuse('too_many_passkeys')
}
