/**
 * What signs an account in besides the password, as it moves in with it: an authenticator app, passkeys, and identities at
 * providers. A second factor that cannot be taken over costs the account its import, because it must not arrive without one
 * unnoticed; unless another second factor comes with it. Everything else is left out with a warning.
 */
import { Secret } from 'otpauth'
import * as v from 'valibot'
import { stripBlanks, text } from '../http/input.ts'
import { isPublicKey } from '../passkeys/cose-key.ts'
import { leftOverFactors, saysNothing } from './import-state.ts'
import type { Warning } from './import-tidy.ts'

export type ImportedPasskey = {
  /** Hexadecimal, like the key: it travels in JSON. */
  credentialId: string
  publicKey: string
  counter: number
  transports: string[]
  backupEligible: boolean
  backedUp: boolean
  aaguid: string
  name: string
  isSecondFactor: boolean
}

/** `provider` is the slug of one here; null for the one of that issuer. */
export type ImportedIdentity = {
  provider: string | null
  issuer: string
  subject: string
  email: string | null
}

export type ImportedFactors = {
  totpSecret: Uint8Array | null
  passkeys: ImportedPasskey[]
  identities: ImportedIdentity[]
}

type Refused = { code: string; pointer: string }

/** As many as an account can have here. */
const MAX_PASSKEYS = 20
const MAX_IDENTITIES = 50

/**
 * Takes the fields of these things out of `entry`.
 * @param rpId the domain of the tenant's passkeys: one of another domain works nowhere here
 */
export function takeFactors(
  entry: Record<string, unknown>,
  { rpId, warnings }: { rpId: string; warnings: Warning[] },
): ImportedFactors | Refused {
  const totpSecret = takeTotp(entry)
  if (totpSecret !== null && 'code' in totpSecret) return totpSecret
  const { passkeys, problems } = takePasskeys(entry, rpId)
  const hasFactor = totpSecret !== null || passkeys.some(({ isSecondFactor }) => isSecondFactor)
  const lost = problems.find(({ isSecondFactor }) => isSecondFactor)
  if (lost && !hasFactor) return { code: 'second_factor_not_supported', pointer: lost.pointer }
  warnings.push(...problems.map(({ pointer, code }) => ({ pointer, code })))
  for (const { name, code } of leftOverFactors(entry)) {
    if (!hasFactor) return { code: 'second_factor_not_supported', pointer: `/${name}` }
    if (code) warnings.push({ pointer: `/${name}`, code })
  }
  return { totpSecret, passkeys, identities: takeIdentities(entry, warnings) }
}

/** RFC 4226 §4 wants 128 bits; many apps were given 80. */
const SECRET_BYTES = { least: 10, most: 128 }

/** `totp_secret`: base 32, or the `otpauth://` address that the app was shown. Only what the common apps compute is taken. */
function takeTotp(entry: Record<string, unknown>): Uint8Array | null | Refused {
  const value = entry.totp_secret
  if (saysNothing(value)) {
    delete entry.totp_secret
    return null
  }
  const refuse = (code: string): Refused => ({ code, pointer: '/totp_secret' })
  if (typeof value !== 'string') return refuse('wrong_type')
  const uri = /^otpauth:/i.test(value) ? URL.parse(value) : null
  if (uri && !isCommon(uri)) return refuse('second_factor_not_supported')
  const written = uri ? (uri.searchParams.get('secret') ?? '') : value
  const secret = fromBase32(written)
  if (!secret || secret.length < SECRET_BYTES.least || secret.length > SECRET_BYTES.most)
    return refuse('malformed_secret')
  delete entry.totp_secret
  return secret
}

function isCommon({ host, searchParams }: URL): boolean {
  const said = (name: string, common: string) => (searchParams.get(name) ?? common).toUpperCase() === common
  return host === 'totp' && said('algorithm', 'SHA1') && said('digits', '6') && said('period', '30')
}

function fromBase32(text: string): Uint8Array | null {
  const letters = text.replace(/[\s-]/g, '').replace(/=+$/, '')
  if (!/^[A-Z2-7]+$/i.test(letters)) return null
  return Secret.fromBase32(letters.toUpperCase()).bytes
}

/** Any alphabet of base64, padded or not, as bytes in hexadecimal. */
const Bytes = (least: number, most: number) =>
  v.pipe(
    text(4 * most),
    v.transform((written) => written.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '')),
    v.regex(/^[A-Za-z0-9+/]+$/, 'malformed'),
    v.check((base64) => base64.length % 4 !== 1, 'malformed'),
    v.transform(
      (base64): Uint8Array => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
    ),
    v.check((bytes: Uint8Array) => bytes.length >= least && bytes.length <= most, 'malformed'),
  )

const hexOf = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

const NO_MODEL = '00000000-0000-0000-0000-000000000000'

const Passkey = v.object({
  credential_id: Bytes(1, 1023),
  public_key: v.pipe(Bytes(1, 1100), v.check(isPublicKey, 'malformed')),
  rp_id: v.fallback(v.optional(v.string()), undefined),
  counter: v.fallback(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
  transports: v.fallback(v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z-]{1,20}$/))), v.maxLength(10)), []),
  // Where it was not kept, a counter that goes back is no reason to refuse the passkey.
  backup_eligible: v.fallback(v.boolean(), true),
  backed_up: v.fallback(v.boolean(), false),
  aaguid: v.fallback(
    v.pipe(v.string(), v.toLowerCase(), v.regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)),
    NO_MODEL,
  ),
  name: v.fallback(v.pipe(text(200), v.transform(stripBlanks), v.minLength(1)), 'Passkey'),
  second_factor: v.optional(v.boolean(), false),
})

type PasskeyProblem = { pointer: string; code: 'malformed_passkey' | 'other_rp_id'; isSecondFactor: boolean }

/** `passkeys`: those of the tenant's domain, and what is wrong with the others. */
function takePasskeys(entry: Record<string, unknown>, rpId: string) {
  const passkeys: ImportedPasskey[] = []
  const problems: PasskeyProblem[] = []
  if (!Array.isArray(entry.passkeys) || entry.passkeys.length > MAX_PASSKEYS) return { passkeys, problems }
  for (const [index, said] of entry.passkeys.entries()) {
    const read = v.safeParse(Passkey, said)
    const pointer = `/passkeys/${index}`
    if (!read.success) {
      // What we cannot read may have been the second factor, unless it says that it is none.
      problems.push({ pointer, code: 'malformed_passkey', isSecondFactor: said?.second_factor !== false })
      continue
    }
    const { rp_id, second_factor: isSecondFactor, credential_id, public_key, ...rest } = read.output
    if (rp_id !== rpId) {
      problems.push({ pointer, code: 'other_rp_id', isSecondFactor })
      continue
    }
    passkeys.push({
      credentialId: hexOf(credential_id),
      publicKey: hexOf(public_key),
      counter: rest.counter,
      transports: rest.transports,
      backupEligible: rest.backup_eligible,
      backedUp: rest.backup_eligible && rest.backed_up,
      aaguid: rest.aaguid,
      name: rest.name,
      isSecondFactor,
    })
  }
  delete entry.passkeys
  return { passkeys, problems }
}

const Identity = v.object({
  issuer: v.pipe(
    text(500),
    v.check((issuer) => /^https?:$/.test(URL.parse(issuer)?.protocol ?? ''), 'malformed'),
  ),
  subject: v.pipe(text(255), v.minLength(1)),
  provider: v.optional(v.nullable(v.pipe(text(64), v.regex(/^[a-z0-9-]+$/))), null),
  email: v.fallback(v.nullable(text(320)), null),
})

/** `identities`: with issuer and subject. Those that say neither, as other systems write them, are left out. */
function takeIdentities(entry: Record<string, unknown>, warnings: Warning[]): ImportedIdentity[] {
  const said: unknown = entry.identities
  delete entry.identities
  if (saysNothing(said)) return []
  if (!Array.isArray(said)) {
    warnings.push({ pointer: '/identities', code: 'not_imported' })
    return []
  }
  const read = said.slice(0, MAX_IDENTITIES).map((one) => v.safeParse(Identity, one))
  read.forEach(({ success }, index) => {
    if (!success) warnings.push({ pointer: `/identities/${index}`, code: 'not_imported' })
  })
  if (said.length > MAX_IDENTITIES) warnings.push({ pointer: '/identities', code: 'shortened' })
  const known = new Map(
    read.flatMap(({ success, output }) =>
      success ? [[JSON.stringify([output.issuer, output.subject]), output]] : [],
    ),
  )
  return [...known.values()]
}
