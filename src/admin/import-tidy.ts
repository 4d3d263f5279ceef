/**
 * What must not cost a person their account: an optional field that is empty, or that says what cannot be kept as it is. It
 * is mended or left out, and a warning says so. What decides who gets in, and as what, is not mended (import-state.ts).
 */
import * as v from 'valibot'
import { Role } from '../accounts/accounts.ts'
import { MAX_NAME, stripBlanks } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { saysNothing } from './import-state.ts'

/** What was done to a field: stable, as the codes of refusals are. README, "Moving in", says what each means. */
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

/** `pointer` names the field (RFC 6901), never what it said. */
export type Warning = { pointer: string; code: WarningCode }

type Warn = (code: WarningCode, within?: string) => void

const MENDS: Record<string, (value: unknown, warn: Warn) => unknown> = {
  email: (value, warn) => (typeof value === 'string' ? trimmed(value, warn) : value),
  email_verified: (value, warn) => (value === '' ? nothing(warn) : value),
  name: mendName,
  locale: mendLocale,
  roles: mendRoles,
  password_hash: mendHash,
}

/** What exports have besides, and what is of no use here. */
const NOT_IMPORTED = [
  ...['user_id', 'uid', 'localId', 'username', 'nickname', 'picture', 'photoUrl', 'image_url', 'avatar_url'],
  ...['given_name', 'family_name', 'first_name', 'last_name', 'firstName', 'lastName'],
  ...['created_at', 'updated_at', 'createdAt', 'createdTimestamp', 'date_joined'],
  ...['last_login', 'last_sign_in_at', 'lastSignedInAt'],
]

/** Mends the fields of `entry` in place. */
export function tidyEntry(entry: Record<string, unknown>): Warning[] {
  const warnings: Warning[] = []
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

/** Django's `!` with or without more, crypt's `*0` and `*1`, shadow's `!!`, `*` and `*LK*`: there is no password. */
const UNUSABLE = /^(!|\*(0|1|LK\*|NP\*)?$)/

function mendHash(value: unknown, warn: Warn): unknown {
  if (isOfNoHash(value)) return nothing(warn)
  if (typeof value !== 'string') return value
  const text = stripBlanks(value)
  if (text === '') return nothing(warn)
  if (UNUSABLE.test(text)) return leftOut(warn, 'unusable_password')
  return trimmed(value, warn)
}

/** Firebase's fields of an account that has no password. */
const isOfNoHash = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'hash' in value && (value.hash === null || value.hash === '')
