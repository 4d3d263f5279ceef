/** What an account is to a caller, and the one form of an e-mail address that decides identity. */
import * as v from 'valibot'
import { stripBlanks, text } from '../http/input.ts'
import type { Metadata } from './metadata.ts'

/** An address in canonical form: the only form that is stored, compared, limited or mailed to. */
export type CanonicalEmail = string & { readonly canonicalEmail: unique symbol }

const MAX_ADDRESS = 254
/** An address as it was typed or pasted: what is longer is not looked at. */
const MAX_TYPED = 2 * MAX_ADDRESS

/**
 * An RFC 5321 address in ASCII, at most 254 bytes, local part at most 64; no quoted local parts, no comments, no lists.
 * Unicode is refused rather than folded: look-alikes then cannot reach the account of another person;
 * an internationalised domain is given as its A-label. Canonical is lower case, in both parts, without blanks around it.
 */
export const EmailAddress = v.pipe(
  text(MAX_TYPED),
  v.transform(stripBlanks),
  v.maxLength(MAX_ADDRESS, 'too_long'),
  v.regex(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$/, 'invalid_email'),
  v.check(hasValidParts, 'invalid_email'),
  v.transform((address) => address.toLowerCase() as CanonicalEmail), // the only place where the brand is given
)

function hasValidParts(address: string): boolean {
  const [local = '', domain = ''] = address.split('@')
  const labels = domain.split('.')
  const isDotAtom = !local.startsWith('.') && !local.endsWith('.') && !local.includes('..')
  const isDomain =
    labels.length >= 2 && labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(label))
  return isDotAtom && isDomain && !/^[0-9]+$/.test(labels.at(-1) ?? '')
}

/** As `users.roles` may hold it: a word for the application to understand; `admin` is ours. */
export const Role = v.pipe(text(64), v.regex(/^[^\s\p{Cc}]+$/u, 'invalid_role'))

/** Of an account: its access token must hold them all and still be read (`maxTokenLength` of crypto/signing.ts). */
export const MAX_ROLES = 32

/** Roles that an administrator gives; each counts once. */
export const Roles = v.pipe(
  v.array(Role),
  v.maxLength(MAX_ROLES, 'too_many'),
  v.transform((roles) => [...new Set(roles)]),
)

/** A row of `users`, as `userColumns` in store.ts selects it. */
export type User = {
  id: string
  email: string | null
  emailVerifiedAt: Date | null
  name: string | null
  /** The language of mail to them, a BCP 47 tag. */
  locale: string | null
  roles: string[]
  externalId: string | null
  publicMetadata: Metadata
  privateMetadata: Metadata
}

/** An account that is to be made. */
export type NewUser = {
  id: string
  tenantId: string
  email: CanonicalEmail
  name: string | null
  locale: string | null
  /** Whether nothing opens it before its address is proved; then it is closed when that never happens. */
  awaitsProof: boolean
}

/** An account as it is when it has just been made. */
export const userAsInserted = ({ id, email, name, locale }: NewUser): User => ({
  id,
  email,
  emailVerifiedAt: null,
  name,
  locale,
  roles: [],
  externalId: null,
  publicMetadata: {},
  privateMetadata: {},
})

/** The person as every answer shows them. */
export const UserAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  email: v.nullable(v.string()),
  email_verified: v.boolean(),
  name: v.nullable(v.string()),
  roles: v.array(v.string()),
})

export function presentUser({
  id,
  email,
  emailVerifiedAt,
  name,
  roles,
}: Pick<User, 'id' | 'email' | 'emailVerifiedAt' | 'name' | 'roles'>): v.InferOutput<typeof UserAnswer> {
  return { id, email, email_verified: emailVerifiedAt !== null, name, roles }
}

/** A row of `users`, as `selfColumns` in store.ts selects it. */
export type Self = User & {
  /** Whether they get mail that is not about their security. */
  operationalMail: boolean
}

/** The person as they see themselves. */
export const SelfAnswer = v.object({
  ...UserAnswer.entries,
  locale: v.nullable(v.string()),
  operational_mail: v.boolean(),
  external_id: v.nullable(v.string()),
  public_metadata: v.record(v.string(), v.unknown()),
})

export const presentSelf = (self: Self): v.InferOutput<typeof SelfAnswer> => ({
  ...presentUser(self),
  locale: self.locale,
  operational_mail: self.operationalMail,
  external_id: self.externalId,
  public_metadata: self.publicMetadata,
})
