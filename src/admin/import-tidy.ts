/**
 * What must not cost a person their account: an optional field that is empty, or that says what cannot be kept as it is. It
 * is mended or left out, and a warning says so. What decides who gets in, and as what, is not mended (import-state.ts).
 */
import * as v from 'valibot'
import { Role } from '../accounts/accounts.ts'
import { MAX_NAME, stripBlanks } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { saysNothing } from './import-state.ts'

/** What was done to a field: stable, as the codes of refusals are. docs/moving-in.md says what each means. */
export type WarningCode =
  | 'trimmed'
  | 'empty'
  | 'cleaned'
  | 'shortened'
  | 'rewritten'
  | 'wrong_type'
  | 'invalid_language'
  | 'invalid_role'
  | 'unusable_password'
  | 'hash_not_supported'
  | 'hash_too_costly'
  | 'password_change_required'
  | 'not_imported'
  | 'second_factor_not_imported'
  | 'recovery_codes_not_imported'
  | 'malformed_passkey'
  | 'other_rp_id'

/** `pointer` names the field (RFC 6901), never what it said. */
export type Warning = { pointer: string; code: WarningCode }

type Warn = (code: WarningCode, within?: string) => void

/** Nothing is proved by it, or nothing has happened: the empty columns of a CSV. An empty `disabled` is refused. */
const MAY_BE_EMPTY = [
  ...[
    'email_verified',
    'emailVerified',
    'verified',
    'EmailConfirmed',
    'email_confirmed_at',
    'email_verified_at',
  ],
  ...['banned_until', 'LockoutEnd', 'locked_at', 'deleted_at'],
]

const mendEmpty = (value: unknown, warn: Warn) => (value === '' ? nothing(warn) : value)

const MENDS: Record<string, (value: unknown, warn: Warn) => unknown> = {
  ...Object.fromEntries(MAY_BE_EMPTY.map((field) => [field, mendEmpty])),
  email: (value, warn) => (typeof value === 'string' ? trimmed(value, warn) : value),
  name: mendName,
  locale: mendLocale,
  roles: mendRoles,
  password_hash: mendHash,
}

/** What a field of ours is called elsewhere. */
const ALSO_CALLED = {
  displayName: 'name', // Firebase
  fullName: 'name', // FusionAuth
  passwordHash: 'password_hash', // Auth0, Firebase
  PasswordHash: 'password_hash', // ASP.NET Identity
  encrypted_password: 'password_hash', // Supabase, Devise
  password_digest: 'password_hash', // Clerk, Rails
}

/**
 * What exports have besides, and what is of no use here: profiles, what was granted or consented to there, and the traces
 * of signing in. Auth0, Firebase, Supabase, Keycloak, Cognito, Clerk, Django, FusionAuth, ASP.NET Identity, Devise, Laravel.
 */
const NOT_IMPORTED = `
  id user_id uid localId username Username UserName nickname given_name family_name first_name last_name firstName lastName
  picture photoUrl image_url avatar_url imageUrl birthDate timezone preferredLanguages
  phone phone_number phone_verified phone_confirmed_at phoneNumber mobilePhone
  created_at updated_at createdAt createdTimestamp date_joined insertInstant UserCreateDate UserLastModifiedDate
  confirmed_at invited_at password_set_date password_hasher last_password_reset
  last_login lastLoginAt last_sign_in_at lastSignedInAt current_sign_in_at sign_in_count logins_count last_ip
  failed_attempts AccessFailedCount LockoutEnabled SecurityStamp ConcurrencyStamp remember_token validSince notBefore
  app_metadata user_metadata raw_app_meta_data raw_user_meta_data customAttributes attributes
  aud role realmRoles clientRoles groups is_staff is_superuser is_super_admin user_permissions registrations memberships
  providerUserInfo federatedIdentities is_sso_user is_anonymous _id _tmp_is_unique tenant connection instance_id
  disableableCredentialTypes access NormalizedEmail NormalizedUserName`
  .trim()
  .split(/\s+/)

/** Mends the fields of `entry` in place. */
export function tidyEntry(entry: Record<string, unknown>): Warning[] {
  const warnings: Warning[] = []
  useOwnNames(entry)
  for (const [field, mend] of Object.entries(MENDS)) {
    if (!Object.hasOwn(entry, field)) continue
    entry[field] = mend(entry[field], (code, within = '') =>
      warnings.push({ pointer: `/${field}${within}`, code }),
    )
  }
  for (const field of NOT_IMPORTED) {
    if (!saysNothing(entry[field])) warnings.push({ pointer: `/${field}`, code: 'not_imported' })
    delete entry[field]
  }
  return warnings
}

/** Where a field is there twice, the other name stays, and is refused as a field that we do not know. */
function useOwnNames(entry: Record<string, unknown>): void {
  for (const [other, own] of Object.entries(ALSO_CALLED)) {
    if (!Object.hasOwn(entry, other) || Object.hasOwn(entry, own)) continue
    entry[own] = entry[other]
    delete entry[other]
    if (other === 'passwordHash' && typeof entry.salt === 'string') takeFirebaseSalt(entry)
  }
}

function takeFirebaseSalt(entry: Record<string, unknown>): void {
  entry.password_hash = { algorithm: 'firebase-scrypt', hash: entry.password_hash, salt: entry.salt }
  delete entry.salt
}

function leftOut(warn: Warn, code: WarningCode): null {
  warn(code)
  return null
}

const nothing = (warn: Warn): null => leftOut(warn, 'empty')

function trimmed(text: string, warn: Warn): string {
  const stripped = stripBlanks(text)
  if (stripped !== text) warn('trimmed')
  return stripped
}

function mendName(value: unknown, warn: Warn): unknown {
  if (value === null) return null
  if (typeof value !== 'string') return leftOut(warn, 'wrong_type')
  const text = stripBlanks(value.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]+/gu, ' '))
  if (text === '') return nothing(warn)
  if (text !== stripBlanks(value)) warn('cleaned')
  if (text.length <= MAX_NAME) return text
  warn('shortened')
  return stripBlanks(text.slice(0, MAX_NAME).replace(/\p{Cs}$/u, '')) // not half a character
}

/** `de_DE.UTF-8`, as POSIX writes it, is `de-DE`. */
function mendLocale(value: unknown, warn: Warn): unknown {
  if (value === null) return null
  if (typeof value !== 'string') return leftOut(warn, 'wrong_type')
  const text = stripBlanks(value)
  if (text === '') return nothing(warn)
  const tag = text.replaceAll('_', '-').split(/[.@]/, 1)[0]
  if (!v.is(LanguageTag, tag)) return leftOut(warn, 'invalid_language')
  if (tag !== text) warn('rewritten')
  return tag
}

/** A role by almost the right name is not given: `admin ` is not `admin`. */
function mendRoles(value: unknown, warn: Warn): unknown {
  if (value === null) return []
  if (value === '') return nothing(warn) ?? []
  if (!Array.isArray(value)) return value
  return value.filter((role, index) => {
    const isMeant = typeof role !== 'string' || v.is(Role, role)
    if (!isMeant) warn('invalid_role', `/${index}`)
    return isMeant
  })
}

/** How SQL dumps and scripts write that there is nothing. */
const NOTHING = /^(null|none|nil|\\N)?$/i

/** Django's `!` with or without more, crypt's `*0` and `*1`, shadow's `!!`, `*` and `*LK*`: there is no password. */
const UNUSABLE = /^(!|\*(0|1|LK\*|NP\*)?$)/

function mendHash(value: unknown, warn: Warn): unknown {
  if (isOfNoHash(value)) return nothing(warn)
  if (typeof value !== 'string') return value
  const text = stripBlanks(value)
  if (NOTHING.test(text)) return nothing(warn)
  if (UNUSABLE.test(text)) return leftOut(warn, 'unusable_password')
  return trimmed(value, warn)
}

/** Firebase's fields of an account that has no password. */
const isOfNoHash = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'hash' in value && (value.hash === null || value.hash === '')
