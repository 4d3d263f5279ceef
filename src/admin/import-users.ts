/**
 * Accounts that move in from another system, with the password hashes that they had: the rules for one entry, the same
 * for the administrator's route and for `npm run import`. An address that has an account here is left as it is, so an
 * import can be repeated. Ids are new; a tenant that needs the old ones keeps a table of both.
 */
import * as v from 'valibot'
import { type CanonicalEmail, EmailAddress, Roles } from '../accounts/accounts.ts'
import { ExternalId } from '../accounts/metadata.ts'
import { FOREIGN_KEY, type ImportedKey, isHashedOnce, readForeignKey } from '../api-keys/foreign-key.ts'
import type { Context } from '../context.ts'
import { type FirebaseHash, formatFirebaseHash, readFirescrypt } from '../crypto/firebase-hash.ts'
import { readForeignHash } from '../crypto/foreign-hash.ts'
import { newId } from '../events/outbox.ts'
import { invalidInput } from '../http/body.ts'
import { DisplayName, text } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { type ImportedFactors, takeFactors } from './import-factors.ts'
import { useForeignForms } from './import-forms.ts'
import { isDisabled, isVerified, needsNewPassword, StateFields } from './import-state.ts'
import { tidyEntry, type Warning } from './import-tidy.ts'

const Base64 = v.pipe(text(128), v.regex(/^[A-Za-z0-9+/_-]+={0,2}$/, 'malformed_hash'))
const Small = v.pipe(v.number(), v.integer('malformed_hash'), v.minValue(1, 'malformed_hash'))

const FirebaseParameters = {
  base64_signer_key: Base64,
  base64_salt_separator: Base64,
  rounds: v.pipe(Small, v.maxValue(999, 'hash_too_costly')),
  mem_cost: v.pipe(Small, v.maxValue(99, 'hash_too_costly')),
}

/** `hash_config` of a Firebase project, as its console shows it: the same for all of its users. */
export const FirebaseConfig = v.object(FirebaseParameters)
export type FirebaseConfig = v.InferOutput<typeof FirebaseConfig>

const FirebasePassword = v.pipe(
  v.strictObject({
    algorithm: v.literal('firebase-scrypt'),
    hash: Base64,
    salt: Base64,
    ...FirebaseParameters,
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => storedFirebase(dataset.value, addIssue) ?? NEVER),
)

function storedFirebase(user: FirebaseHash, addIssue: (issue: { message: string }) => void): string | null {
  const stored = formatFirebaseHash(user)
  if (stored.startsWith('$')) return stored
  addIssue({ message: stored })
  return null
}

const HashText = v.pipe(
  text(3000),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const firescrypt = readFirescrypt(dataset.value)
    if (firescrypt) return storedFirebase(firescrypt, addIssue) ?? NEVER
    const read = readForeignHash(dataset.value)
    if (typeof read !== 'string') return dataset.value
    addIssue({ message: read })
    return NEVER
  }),
)

/** As many as a person may have. */
const MAX_API_KEYS = 25

const ApiKey = v.pipe(
  v.strictObject(FOREIGN_KEY),
  v.forward(
    v.check((key) => isHashedOnce(key), 'exactly_one_hash'),
    ['sha256'],
  ),
)

/** One person. `password_hash` is one of the forms in src/crypto/foreign-hash.ts; without one, a reset sets the first. */
const ImportedUser = v.strictObject({
  email: EmailAddress,
  ...StateFields,
  name: v.optional(v.nullable(DisplayName), null),
  locale: v.optional(v.nullable(LanguageTag), null),
  roles: v.optional(Roles, []),
  external_id: v.optional(v.nullable(ExternalId), null),
  api_keys: v.optional(v.nullable(v.pipe(v.array(ApiKey), v.maxLength(MAX_API_KEYS, 'too_many')), []), []),
  password_hash: v.optional(
    v.nullable(
      v.lazy((input) => (typeof input === 'object' && input !== null ? FirebasePassword : HashText)),
    ),
    null,
  ),
})

/** What is inserted for one entry that is accepted; ids are made here, so that the statement can be built at once. */
export type NewImport = {
  id: string
  eventId: string
  email: CanonicalEmail
  emailVerified: boolean
  disabled: boolean
  name: string | null
  locale: string | null
  roles: string[]
  externalId: string | null
  apiKeys: ImportedKey[]
  storedHash: string | null
} & ImportedFactors

/**
 * What an entry is read for: the domain of the tenant's passkeys, what its API keys may be made for, and what is the same for all
 * users of a Firebase project.
 */
export type Into = { rpId: string; scopes?: readonly string[]; firebase?: FirebaseConfig | null }

/** Which field is wrong, and why; never what it said. */
export type RefusedEntry = { code: string; pointer?: string }

/** One entry as it was read; `firstAt` is where its address was before, in the same file or request. */
export type Entry = { user: NewImport; warnings: Warning[] } | { firstAt: number } | RefusedEntry

/**
 * @param entry one object of `users`, or one line of the file
 * @returns what is to be inserted and what was mended, or the first thing that is wrong with it
 */
export function readEntry(
  ctx: Pick<Context, 'now' | 'random'>,
  entry: unknown,
  { rpId, scopes = [], firebase = null }: Into,
): Exclude<Entry, { firstAt: number }> {
  // Valibot takes a list for an object without members.
  if (!isObject(entry)) return { code: 'wrong_type' }
  const fields: Record<string, unknown> = { ...entry }
  const warnings = useForeignForms(fields)
  warnings.push(...tidyEntry(fields))
  if (firebase && isObject(fields.password_hash))
    fields.password_hash = { ...firebase, ...fields.password_hash }
  const factors = takeFactors(fields, { rpId, warnings })
  if ('code' in factors) return factors
  if (needsNewPassword(fields) && (fields.password_hash ?? null) !== null) {
    fields.password_hash = null
    warnings.push({ pointer: '/password_hash', code: 'password_change_required' })
  }
  dropEmpty(fields)
  const parsed = parseEntry(fields, warnings)
  if (!parsed.success) return refusalOf(parsed.issues)
  const { email, name, locale, roles, external_id, api_keys, password_hash, ...state } = parsed.output
  const undeclared = (api_keys ?? []).findIndex((key) => !key.scopes.every((scope) => scopes.includes(scope)))
  if (undeclared !== -1) return { code: 'unknown_scope', pointer: `/api_keys/${undeclared}/scopes` }
  const user = {
    id: newId(ctx),
    eventId: newId(ctx),
    email,
    emailVerified: isVerified(state),
    disabled: isDisabled(state, ctx.now()),
    name,
    locale,
    roles,
    externalId: external_id,
    apiKeys: (api_keys ?? []).map((key) => readForeignKey(ctx, key)),
    storedHash: password_hash,
    ...factors,
  }
  return { user, warnings }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const UNVERIFIABLE = ['hash_not_supported', 'hash_too_costly'] as const

/** A field that we do not know, and that is null or empty, says nothing that could be lost. `false` might. */
function dropEmpty(fields: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(fields))
    if (!Object.hasOwn(ImportedUser.entries, name) && isEmpty(value)) delete fields[name]
}

const isEmpty = (value: unknown): boolean =>
  value === null || value === '' || (typeof value === 'object' && Object.keys(value).length === 0)

/** A hash that we cannot verify costs no one their account: it is left out, and its owner resets the password by mail. */
function parseEntry(fields: Record<string, unknown>, warnings: Warning[]) {
  const options = { abortEarly: true, abortPipeEarly: true }
  const parsed = v.safeParse(ImportedUser, fields, options)
  const code = UNVERIFIABLE.find((known) => parsed.issues?.[0].message === known)
  if (!code) return parsed
  warnings.push({ pointer: '/password_hash', code })
  return v.safeParse(ImportedUser, { ...fields, password_hash: null }, options)
}

/** The name of a field that we do not know is not repeated: in a file that is not what we expect, it may be anything. */
function refusalOf(issues: readonly v.BaseIssue<unknown>[]): RefusedEntry {
  const [{ pointer, code } = { pointer: '', code: 'invalid' }] = invalidInput(issues).errors ?? []
  return pointer === '' || code === 'unknown_field' ? { code } : { code, pointer }
}

/** @returns where `email` was before; else null, and from then on that is `place`: a line's number, or an entry's index */
export type FirstPlaceOf = (email: CanonicalEmail, place: number) => number | null

/** Remembers the addresses of one request. */
export function createFirstPlaces(): FirstPlaceOf {
  const places = new Map<CanonicalEmail, number>()
  return (email, place) => {
    const first = places.get(email) ?? null
    if (first === null) places.set(email, place)
    return first
  }
}

/** Of two entries with one address, the later is not imported: which of them is meant, only a person can say. */
export function unlessDuplicate(entry: Entry, firstPlaceOf: FirstPlaceOf, place: number): Entry {
  const firstAt = 'user' in entry ? firstPlaceOf(entry.user.email, place) : null
  return firstAt === null ? entry : { firstAt }
}

/** `first` is the line, or the index, that had the address first. */
export type ImportResult =
  | { status: 'created'; id: string; warnings?: Warning[] }
  | { status: 'exists' }
  | { status: 'duplicate'; first: number }
  | ({ status: 'refused' } & RefusedEntry)

/** An entry's result, as it is answered: what `ImportResult` says, with the entry's index. */
const index = v.number()
export const ImportResultAnswer = v.union([
  v.object({
    index,
    status: v.literal('created'),
    id: v.pipe(v.string(), v.uuid()),
    warnings: v.exactOptional(v.array(v.object({ pointer: v.string(), code: v.string() }))),
  }),
  v.object({ index, status: v.literal('exists') }),
  v.object({ index, status: v.literal('duplicate'), first: v.number() }),
  v.object({
    index,
    status: v.literal('refused'),
    code: v.string(),
    pointer: v.exactOptional(v.string()),
  }),
])

/** What the statement did: the ids that it inserted, and those whose passkey, identity, API key or external id another has. The others had an account. */
export type Inserted = { created: ReadonlySet<string>; taken: ReadonlyMap<string, RefusedEntry> }

export const nothingInserted = (): Inserted => ({ created: new Set(), taken: new Map() })

export function resultOf(entry: Entry, { created, taken }: Inserted): ImportResult {
  if ('firstAt' in entry) return { status: 'duplicate', first: entry.firstAt }
  if (!('user' in entry)) return { status: 'refused', ...entry }
  const { user, warnings } = entry
  const refused = taken.get(user.id)
  if (refused) return { status: 'refused', ...refused }
  if (!created.has(user.id)) return { status: 'exists' }
  return { status: 'created', id: user.id, ...(warnings.length > 0 && { warnings }) }
}
