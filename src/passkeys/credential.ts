/**
 * What a page sends of a passkey: `PublicKeyCredential.toJSON()` (WebAuthn L3 §5.1). Members that browsers add are not
 * looked at. What the browser itself says of the ceremony is read here; the rest is for webauthn.ts.
 */
import * as v from 'valibot'
import { fromBase64Url } from '../crypto/base64.ts'
import { type Refusal, refuse } from '../problem.ts'
import type { RelyingParty } from './relying-party.ts'

/** Of bytes, without padding. The body's own limit is 16 KiB. */
const Base64Url = v.pipe(
  v.string(),
  v.maxLength(16_000, 'too_long'),
  v.check((text) => fromBase64Url(text) !== null, 'invalid_base64url'),
)

/** At most 1,023 bytes (WebAuthn §4). */
const CredentialId = v.pipe(Base64Url, v.minLength(1, 'too_short'), v.maxLength(1364, 'too_long'))

const common = {
  id: CredentialId,
  rawId: CredentialId,
  type: v.literal('public-key'),
}

export const NewCredential = v.object({
  ...common,
  response: v.object({
    clientDataJSON: Base64Url,
    attestationObject: Base64Url,
    transports: v.optional(
      v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z-]{1,32}$/))), v.maxLength(10, 'too_many')),
      [],
    ),
  }),
  clientExtensionResults: v.optional(
    v.object({ credProps: v.optional(v.object({ rk: v.optional(v.boolean()) })) }),
    {},
  ),
})
export type NewCredential = v.InferOutput<typeof NewCredential>

export const Assertion = v.object({
  ...common,
  response: v.object({
    clientDataJSON: Base64Url,
    authenticatorData: Base64Url,
    signature: Base64Url,
    // It may be absent where the passkey was asked for by its id: at a second step, and at step-up.
    userHandle: v.nullish(v.pipe(Base64Url, v.maxLength(86, 'too_long'))),
  }),
})
export type Assertion = v.InferOutput<typeof Assertion>

const ClientData = v.object({
  type: v.string(),
  challenge: v.string(),
  origin: v.string(),
  crossOrigin: v.optional(v.boolean()),
  topOrigin: v.optional(v.string()),
})
export type ClientData = v.InferOutput<typeof ClientData>

/** What the browser says that it did, or null when that is not to be read. */
export function readClientData(clientDataJSON: string): ClientData | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(
      fromBase64Url(clientDataJSON) ?? undefined,
    )
    const parsed = v.safeParse(ClientData, JSON.parse(text))
    return parsed.success ? parsed.output : null
  } catch {
    return null
  }
}

/**
 * Whether the browser did this, here and in a page of its own: in a frame of another site, a person does not see for whom
 * they use their passkey (WebAuthn §13.4.2).
 * @returns refusal `invalid_passkey`, or null
 */
export function checkClientData(
  { type, origin, crossOrigin = false, topOrigin }: ClientData,
  expected: { type: 'webauthn.create' | 'webauthn.get'; party: RelyingParty },
): Refusal | null {
  if (type !== expected.type) return refusePasskey('another ceremony')
  if (!expected.party.origins.includes(origin)) return refusePasskey('another origin')
  return crossOrigin || topOrigin !== undefined ? refusePasskey('in a frame of another site') : null
}

/** One answer for whatever is wrong with a passkey. @param reason for the log and the audit log alone */
export const refusePasskey = (reason: string): Refusal => refuse('invalid_passkey', { evidence: { reason } })
