/** What a page hands to the browser (WebAuthn L3 §5.4, §5.5), in the form of `parseCreationOptionsFromJSON`. */
import * as v from 'valibot'
import { CEREMONY_SECONDS } from './ceremony.ts'
import type { RelyingParty } from './relying-party.ts'
import { userHandleOf } from './user-handle.ts'

/** COSE algorithms in order of preference: EdDSA, ES256, and RS256 for Windows Hello. */
export const ALGORITHMS = [-8, -7, -257] as const

const Descriptor = v.object({
  type: v.literal('public-key'),
  id: v.string(),
  transports: v.array(v.string()),
})

export const CreationOptions = v.object({
  rp: v.object({ id: v.string(), name: v.string() }),
  user: v.object({ id: v.string(), name: v.string(), displayName: v.string() }),
  challenge: v.string(),
  pubKeyCredParams: v.array(v.object({ type: v.literal('public-key'), alg: v.number() })),
  timeout: v.number(),
  excludeCredentials: v.array(Descriptor),
  authenticatorSelection: v.object({
    residentKey: v.literal('required'),
    requireResidentKey: v.literal(true),
    userVerification: v.picklist(['required', 'preferred']),
  }),
  attestation: v.literal('none'),
  extensions: v.object({ credProps: v.literal(true) }),
})

export const RequestOptions = v.object({
  rpId: v.string(),
  challenge: v.string(),
  timeout: v.number(),
  userVerification: v.literal('required'),
  allowCredentials: v.array(Descriptor),
})

const timeout = CEREMONY_SECONDS * 1000

export const creationOptions = (
  challenge: string,
  {
    party,
    user,
    existing,
    isConditional,
  }: {
    party: RelyingParty
    user: { id: string; email: string | null; name: string | null }
    existing: readonly Offered[]
    isConditional: boolean
  },
): v.InferOutput<typeof CreationOptions> => ({
  rp: { id: party.id, name: party.name },
  user: {
    id: userHandleOf(user.id),
    name: user.email ?? '',
    displayName: user.name ?? user.email ?? '',
  },
  challenge,
  pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
  timeout,
  excludeCredentials: existing.map(describe),
  authenticatorSelection: {
    residentKey: 'required',
    requireResidentKey: true,
    // A browser that makes one by itself has no one to verify; signing in with it asks all the same.
    userVerification: isConditional ? 'preferred' : 'required',
  },
  attestation: 'none',
  extensions: { credProps: true },
})

/** A passkey as a browser is told of it. */
export type Offered = { credentialId: string; transports: string[] }

const describe = ({ credentialId, transports }: Offered) =>
  ({ type: 'public-key', id: credentialId, transports }) as const

/**
 * @param offered none at a sign-in, so that the answer is the same for every caller: the passkeys that an account has are for
 * its browser to know
 */
export const requestOptions = (
  challenge: string,
  party: RelyingParty,
  offered: readonly Offered[] = [],
): v.InferOutput<typeof RequestOptions> => ({
  rpId: party.id,
  challenge,
  timeout,
  userVerification: 'required',
  allowCredentials: offered.map(describe),
})
