/** Field types that several operations take. Every text is well-formed Unicode without NUL, so that it can be stored. */
import * as v from 'valibot'

/** @param maxCharacters UTF-16 units, checked first, before anything that costs more than its length */
export const text = (maxCharacters: number) =>
  v.pipe(
    v.string(),
    v.maxLength(maxCharacters, 'too_long'),
    v.check((value) => value.isWellFormed() && !value.includes('\0'), 'invalid_characters'),
  )

/**
 * Without the blanks around it, which come with what people copy from a page or a table: Unicode's white space, and what
 * has no width (U+180E, U+200B to U+200D, U+2060, U+FEFF). Marks that turn the direction of text are no blanks.
 */
export function stripBlanks(text: string): string {
  let [start, end] = [0, text.length]
  // Not by a pattern that ends in `$`, which takes the square of the length for blanks in the middle.
  while (start < end && isBlank(text[start])) start += 1
  while (start < end && isBlank(text[end - 1])) end -= 1
  return text.slice(start, end)
}

const isBlank = (character = '') => /[\p{White_Space}\u180E\u200B-\u200D\u2060\uFEFF]/u.test(character)

export const MAX_NAME = 200

/** A name that a person reads: no control characters, no line breaks, at most 200 characters, not blank. */
export const DisplayName = v.pipe(
  text(MAX_NAME),
  v.transform(stripBlanks),
  v.minLength(1, 'too_short'),
  v.check((value) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value), 'invalid_characters'),
)

/** Where the refresh token goes: into the body, or into a `__Host-` cookie. */
export const Transport = v.optional(v.picklist(['token', 'cookie']), 'token')
export type Transport = v.InferOutput<typeof Transport>

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const NO_ID = '00000000-0000-0000-0000-000000000000'

/** An id in a path. What is none becomes the id that nothing has: who calls is decided before what they ask for. */
export const pathId = (given: string): string => (UUID.test(given) ? given : NO_ID)

/** A name in a path and in rows: `google`, `acme-sso`. */
export const SLUG = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/
/** What is no slug becomes the one that nothing has: PostgreSQL takes no NUL. */
export const pathSlug = (given: string): string => (SLUG.test(given) ? given : '')

/** A point in time (RFC 3339), as ISO text in UTC: what is no such day or hour never reaches the database. */
export const Instant = v.pipe(
  v.string(),
  v.isoTimestamp('invalid_time'),
  v.check((text) => isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text)), 'invalid_time'),
  v.transform((text) => new Date(text).toISOString()),
)

/** Whether there is such a day, in years that a database knows too: `Date` takes 30 February for 2 March. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`)
  return /^[12]/.test(text) && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}
