/**
 * Forms of other systems that their field names give away, rewritten as our own fields: Keycloak's `credentials`, and Auth0's
 * `custom_password_hash` and `mfa_factors`. What cannot be rewritten stays where it is, and is judged like any other field.
 */
import { Secret } from 'otpauth'
import * as v from 'valibot'
import { parseJson } from '../http/json.ts'
import type { Warning } from './import-tidy.ts'

type Fields = Record<string, unknown>

/** Rewrites the fields of `entry` in place. */
export function useForeignForms(entry: Fields): Warning[] {
  return [...useCustomPasswordHash(entry), ...useCredentials(entry), ...useMfaFactors(entry)]
}

/** Base64 of any alphabet, hexadecimal or text, as Auth0 names them. */
const Encoded = v.object({
  value: v.string(),
  encoding: v.optional(v.picklist(['base64', 'hex', 'utf8']), 'utf8'),
})

/** "User Data JSON Schema for Bulk User Imports", auth0.com/docs. */
const CustomPasswordHash = v.variant('algorithm', [
  v.object({
    algorithm: v.picklist(['argon2', 'bcrypt', 'pbkdf2']),
    hash: v.object({ value: v.string() }),
  }),
  v.object({
    algorithm: v.literal('scrypt'),
    hash: Encoded,
    salt: Encoded,
    cost: v.optional(v.number(), 16_384),
    blockSize: v.optional(v.number(), 8),
    parallelization: v.optional(v.number(), 1),
  }),
])

function useCustomPasswordHash(entry: Fields): Warning[] {
  if (entry.password_hash || !entry.custom_password_hash) return []
  const { success, output } = v.safeParse(CustomPasswordHash, entry.custom_password_hash)
  delete entry.custom_password_hash
  // Digests, HMAC and LDAP's schemes; also a password that the other system hashed in another encoding.
  if (!success) return [{ pointer: '/custom_password_hash', code: 'hash_not_supported' }]
  if (output.algorithm !== 'scrypt') {
    entry.password_hash = output.hash.value
    return []
  }
  const { cost, blockSize, parallelization, salt, hash } = output
  const [saltText, hashText] = [base64Of(salt), base64Of(hash)]
  entry.password_hash = `$scrypt$N=${cost},r=${blockSize},p=${parallelization}$${saltText}$${hashText}`
  return []
}

function base64Of({ value, encoding }: v.InferOutput<typeof Encoded>): string {
  if (encoding === 'base64') return value
  if (encoding === 'utf8') return toBase64(new TextEncoder().encode(value))
  const pairs = /^([0-9a-f]{2})+$/i.test(value) ? (value.match(/../g) ?? []) : []
  return toBase64(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)))
}

/** Auth0: `[{"totp":{"secret":"…"}}, {"phone":{"value":"…"}}, {"email":{"value":"…"}}]`. What is no app stays. */
function useMfaFactors(entry: Fields): Warning[] {
  const { mfa_factors: factors } = entry
  if (!Array.isArray(factors) || entry.totp_secret) return []
  const App = v.strictObject({ totp: v.strictObject({ secret: v.string() }) })
  const app = factors.find((factor) => v.is(App, factor))
  if (!app) return []
  entry.totp_secret = app.totp.secret
  entry.mfa_factors = factors.filter((factor) => factor !== app)
  return []
}

/** Keycloak's CredentialRepresentation; both members are JSON in a string. */
const Credential = v.object({
  type: v.string(),
  temporary: v.optional(v.nullable(v.boolean())),
  userLabel: v.fallback(v.optional(v.string()), undefined),
  secretData: v.fallback(v.string(), '{}'),
  credentialData: v.fallback(v.string(), '{}'),
})

const Many = v.fallback(v.record(v.string(), v.array(v.string())), {})

const Password = v.object({
  value: v.string(),
  salt: v.string(),
  hashIterations: v.number(),
  algorithm: v.string(),
  additionalParameters: Many,
})

/** OTPCredentialData and OTPSecretData. Without an encoding the secret is the bytes of the text. */
const Otp = v.object({
  value: v.string(),
  subType: v.literal('totp'),
  digits: v.literal(6),
  period: v.literal(30),
  algorithm: v.literal('HmacSHA1'),
  secretEncoding: v.optional(v.nullable(v.picklist(['BASE32'])), null),
})

const WebAuthn = v.object({
  credentialId: v.string(),
  credentialPublicKey: v.string(),
  aaguid: v.optional(v.unknown()),
  counter: v.optional(v.unknown()),
  transports: v.optional(v.unknown()),
})

function useCredentials(entry: Fields): Warning[] {
  if (!Array.isArray(entry.credentials)) return []
  const warnings: Warning[] = []
  const passkeys: unknown[] = Array.isArray(entry.passkeys) ? [...entry.passkeys] : []
  entry.credentials = entry.credentials.filter((said: unknown, index) => {
    const read = v.safeParse(Credential, said)
    if (!read.success) return true
    const { type, temporary, userLabel, secretData, credentialData } = read.output
    const data = { ...objectOf(credentialData), ...objectOf(secretData) }
    switch (type) {
      case 'password': {
        if (temporary) entry.password_change_required = true
        const hash = entry.password_hash ? null : hashOf({ ...(said as Fields), ...data })
        if (hash) entry.password_hash = hash
        else warnings.push({ pointer: `/credentials/${index}`, code: 'hash_not_supported' })
        return false
      }
      case 'password-history':
        return false
      case 'otp': {
        const otp = v.safeParse(Otp, data)
        if (!otp.success || entry.totp_secret) return true
        const { value, secretEncoding } = otp.output
        entry.totp_secret = secretEncoding ? value : base32Of(new TextEncoder().encode(value))
        return false
      }
      case 'webauthn':
      case 'webauthn-passwordless': {
        const made = v.safeParse(WebAuthn, data)
        if (!made.success) return true
        const { credentialId, credentialPublicKey, ...rest } = made.output
        const isSecondFactor = type === 'webauthn'
        passkeys.push({
          ...{ credential_id: credentialId, public_key: credentialPublicKey, ...rest },
          ...{ rp_id: entry.rp_id, name: userLabel, second_factor: isSecondFactor },
        })
        return false
      }
      case 'recovery-authn-codes':
        entry.recovery_codes = true
        return false
      default:
        return true
    }
  })
  delete entry.rp_id
  if (passkeys.length > 0) entry.passkeys = passkeys
  return warnings
}

function objectOf(text: string): object {
  const json = parseJson(text, 4)
  return 'value' in json && typeof json.value === 'object' && json.value !== null ? json.value : {}
}

/** PasswordCredentialData and PasswordSecretData, as the form that the hash has elsewhere. */
function hashOf(data: object): string | null {
  const read = v.safeParse(Password, data)
  if (!read.success) return null
  const { value, salt, hashIterations, algorithm, additionalParameters } = read.output
  if (algorithm === 'argon2') {
    const one = (name: string, common: string) => additionalParameters[name]?.[0] ?? common
    if (one('version', '1.3') !== '1.3') return null
    const cost = `m=${one('memory', '7168')},t=${hashIterations},p=${one('parallelism', '1')}`
    return `$argon2${one('type', 'id')}$v=19$${cost}$${salt}$${value}`
  }
  const [, digest] = /^pbkdf2(?:-(sha256|sha512))?$/.exec(algorithm) ?? [null, null]
  return digest === null ? null : `$pbkdf2-${digest ?? 'sha1'}$i=${hashIterations}$${salt}$${value}`
}

const toBase64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const base32Of = (bytes: Uint8Array) => new Secret({ buffer: bytes.slice().buffer }).base32
