/**
 * What a product hangs on an account: its own id of the person, and two objects whose members mean nothing to us. The owner
 * writes what is public; administrators and API keys write both.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'

/** As JSON in UTF-8. */
const MAX_BYTES = 4096

/** An id of another system: no blanks, nothing that a log or a CSV file would break at. Unique in a tenant. */
export const ExternalId = v.pipe(text(128), v.regex(/^[!-~]+$/, 'invalid_id'))

const Members = v.record(v.string(), v.unknown())
/** Valibot takes a list for an object without members, and leaves out what would be a prototype without a word. */
const MembersAlone: typeof Members = {
  ...Members,
  '~run': (dataset, config) =>
    Members['~run'](isOfMembers(dataset.value) ? dataset : { ...dataset, value: null }, config),
}

const RESERVED = ['__proto__', 'constructor', 'prototype']

/** At any depth: what a product reads must not reach the prototypes of its objects. */
function isOfMembers(value: unknown): boolean {
  if (Array.isArray(value)) return false
  return typeof value !== 'object' || value === null || isWithoutReserved(value)
}

const isWithoutReserved = (value: object): boolean =>
  Object.entries(value).every(
    ([name, member]) =>
      !RESERVED.includes(name) &&
      (typeof member !== 'object' || member === null || isWithoutReserved(member)),
  )

/** An object of any members. What PostgreSQL cannot hold as it is, or would hold as something far longer, is refused. */
export const Metadata = v.pipe(
  MembersAlone,
  v.check((members) => new TextEncoder().encode(JSON.stringify(members)).length <= MAX_BYTES, 'too_long'),
  v.check((members) => isStorable(members), 'invalid_characters'),
)
export type Metadata = v.InferOutput<typeof Metadata>

function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  // `numeric` writes 1e300 with 301 digits.
  if (typeof value === 'number') return !String(value).includes('e')
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, member]) => isStorable(name) && isStorable(member))
}
