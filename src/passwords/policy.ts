/**
 * Which passwords may be chosen (NIST SP 800-63B-4 §3.1.1.2): long enough, not one that attackers try first,
 * no rules of composition. Length is capped before normalisation, because NFC of hostile text is quadratic.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { type Refusal, refuse } from '../problem.ts'
import type { Tenant } from '../tenants/tenants.ts'
import commonPasswords from './common-passwords.txt'

/** A password in NFC, length-capped: what is hashed and what is compared, always whole. */
export type NormalPassword = string & { readonly normalPassword: unique symbol }

/** A password as it was typed: what other systems hashed. A `NormalPassword` does not pass for one. */
export type TypedPassword = string & { readonly normalPassword?: never }

/** The cap before anything else looks at a password, in UTF-16 units; the schema of each operation enforces it. */
export const MAX_PASSWORD_UNITS = 1024

/** @param password at most `MAX_PASSWORD_UNITS` long and well-formed, as the schema checked */
export function normalisePassword(password: string): NormalPassword {
  return password.normalize('NFC') as NormalPassword // the only place where the brand is given
}

/** What the password must not simply be. */
export type Chooser = {
  email: CanonicalEmail
  tenant: Tenant
  /** Its JSON Pointer in the body, e.g. `/password`. */
  field: string
}

/** @returns null when it may be chosen; refusals `invalid_input` (`too_short`, `too_long`), `password_compromised` */
export function checkPassword(password: NormalPassword, { email, tenant, field }: Chooser): Refusal | null {
  const { password_min_length, password_max_bytes } = tenant.policy
  // Code points, not UTF-16 units: each counts as one character.
  if ([...password].length < password_min_length)
    return refusePassword(field, 'too_short', `Use at least ${password_min_length} characters.`)
  if (new TextEncoder().encode(password).length > password_max_bytes) {
    return refusePassword(field, 'too_long', `Use at most ${password_max_bytes} bytes.`)
  }
  return isGuessable(password, { email, tenant }) ? refuseCompromised(field) : null
}

export const refuseCompromised = (field: string): Refusal =>
  refuse('password_compromised', fieldError(field, 'password_compromised'))

/** Compares the whole password, never a part: `password` inside a sentence is fine. */
function isGuessable(
  password: NormalPassword,
  { email, tenant }: Pick<Chooser, 'email' | 'tenant'>,
): boolean {
  const guess = password.toLowerCase()
  const [localPart] = email.split('@')
  const obvious = [email, localPart, tenant.name.toLowerCase(), tenant.slug, new URL(tenant.issuer).hostname]
  return obvious.includes(guess) || (!guess.includes('\n') && commonPasswords.includes(`\n${guess}\n`))
}

function refusePassword(field: string, code: 'too_short' | 'too_long', detail: string): Refusal {
  return refuse('invalid_input', fieldError(field, code, detail))
}

const fieldError = (pointer: string, code: string, detail?: string) => ({
  errors: [{ pointer, code, ...(detail && { detail }) }],
})
