/** Codes of an authenticator app (RFC 6238): six digits, SHA-1, 30 seconds, which is all that the common apps read. */
import { Secret, TOTP } from 'otpauth'
import * as v from 'valibot'

/** What is shown of a new app, once. */
export const SecretAnswer = v.strictObject({
  factor_id: v.string(),
  /** Base 32, for people who type it. */
  secret: v.string(),
  otpauth_uri: v.string(),
  qr_svg: v.string(),
})

/** RFC 4226 §4 wants the length of the hash's output. */
export const SECRET_BYTES = 20
const STEP_SECONDS = 30
/** How far an app's clock may be off, in steps (RFC 6238 §5.2). */
const STEPS_OFF = 1

/** ASCII digits alone: `\d` and the library also read those of other scripts. */
const CODE = /^[0-9]{6}$/

export const isTotpCode = (text: string): boolean => CODE.test(text)

const totpOf = (secret: Uint8Array, names: { issuer: string; label: string } = { issuer: '', label: '' }) =>
  // Its own memory: the library keeps the buffer that a view lies in.
  new TOTP({ ...names, secret: new Secret({ buffer: secret.slice().buffer }), period: STEP_SECONDS })

/** The secret as people type it, and as their app scans it. @param account what the app lists it under */
export function presentSecret(secret: Uint8Array, { issuer, account }: { issuer: string; account: string }) {
  const totp = totpOf(secret, { issuer, label: account })
  return { secret: totp.secret.base32, otpauth_uri: totp.toString() }
}

/** @returns the step of 30 seconds, since 1970, that `code` belongs to; null when it is of none that may be used at `at` */
export function stepOf(secret: Uint8Array, code: string, at: Date): number | null {
  if (!isTotpCode(code)) return null
  const off = totpOf(secret).validate({ token: code, timestamp: at.getTime(), window: STEPS_OFF })
  return off === null ? null : Math.floor(at.getTime() / 1000 / STEP_SECONDS) + off
}
