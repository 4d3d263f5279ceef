/**
 * What an account may do: the tenant's setting `roles` says which role has which permissions. Those of `latchkey:` are ours
 * (src/permissions.ts); all others are words of the tenant's own API, which says what each means.
 */
import * as v from 'valibot'
import { PERMISSIONS } from '../permissions.ts'

const OURS = 'latchkey:'

/** A word of `scope` (RFC 6749 §3.3). One of ours must be one that there is: a mistyped one would allow nothing, in silence. */
export const PermissionName = v.pipe(
  v.string(),
  v.regex(/^[!#-[\]-~]{1,64}$/, 'invalid_scope'),
  v.check((word) => !word.startsWith(OURS) || Object.hasOwn(PERMISSIONS, word), 'unknown_permission'),
)

/** Of one tenant. All permissions together are what a token carries at most, and it must still be read (crypto/signing.ts). */
export const MAX_DECLARED = { roles: 50, characters: 2048 } as const

/** Role → permissions. `admin` needs no entry: it has all of ours, and an entry only adds to them. */
export const DeclaredRoles = v.pipe(
  v.record(v.pipe(v.string(), v.regex(/^[^\s\p{Cc}]{1,64}$/u, 'invalid_role')), v.array(PermissionName)),
  v.check((roles) => Object.keys(roles).length <= MAX_DECLARED.roles, 'too_many'),
  v.check((roles) => scopeOf({ roles }, Object.keys(roles)).length <= MAX_DECLARED.characters, 'too_long'),
)

type Declared = { roles: Readonly<Record<string, readonly string[]>> }

/** What an account with these roles may do by them, as a token says it; `admin` allows all of ours besides. */
export function scopeOf({ roles: declared }: Declared, roles: readonly string[]): string {
  const permissions = roles.flatMap((role) => (Object.hasOwn(declared, role) ? (declared[role] ?? []) : []))
  return [...new Set(permissions)].toSorted().join(' ')
}
