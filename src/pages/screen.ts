/** What a view is given: the words, where its form posts, what was typed and what is wrong with it. */
import type { FieldError } from '../problem.ts'
import type { Flow } from './flow.ts'
import type { FieldName, Mishap, Texts } from './languages/texts.ts'

export type Screen = {
  texts: Texts
  /** The language, as `Intl` takes it. */
  tag: string
  /** Where its form posts: the page itself, with what it was asked with. */
  action: string
  /** The address of another page of ours, with what this one was asked with. */
  to(path: string): string
  flow: Flow
  /** Of the tenant's widget of Turnstile, where it wants one. */
  siteKey: string | null
  formToken: string
  /** What was typed into a field before; never into a secret one. */
  typed(name: string): string | undefined
  /** What a hidden field held. */
  posted(name: string): string | undefined
  /** What is wrong with a field, as a sentence. */
  wrongWith(name: string): string | null
  alert: string | null
}

/** A problem as an answer has it. */
export type Problem = { code: string; errors?: readonly FieldError[] }

export type Wrong = { alert: string | null; fields: Readonly<Record<string, string>> }
export const NOTHING_WRONG: Wrong = { alert: null, fields: {} }

/** What other codes say of one field: the first of these that the page has. */
const OF_FIELD: Record<string, readonly FieldName[]> = {
  email_taken: ['email'],
  invalid_code: ['code'],
  payload_too_large: ['logo'],
  invalid_credentials: ['current_password', 'password'],
}

/**
 * A refusal in the reader's words: of the fields that the page has, beside them; of anything else, above the form.
 * @param page.fields the fields of the page
 * @param page.alerts what a code, or an error at a pointer, says on this page, in place of what it says elsewhere
 */
export function wordsOf(
  { code, errors = [] }: Problem,
  { fields: shown, alerts = {} }: { fields: readonly string[]; alerts?: Readonly<Record<string, string>> },
  { mishaps, fieldMishaps }: Texts,
): Wrong {
  const own = alerts[code]
  if (own !== undefined) return { alert: own, fields: {} }
  const sentence = (one: string) => {
    if (Object.hasOwn(fieldMishaps, one)) return fieldMishaps[one as keyof typeof fieldMishaps]
    return Object.hasOwn(mishaps, one) ? mishaps[one as Mishap] : fieldMishaps.invalid
  }
  const ofErrors = errors.map(
    ({ pointer, code: why }) => [pointer.split('/')[1] ?? '', sentence(why)] as const,
  )
  const ofCode = OF_FIELD[code]?.find((name) => shown.includes(name))
  const all = ofCode === undefined ? ofErrors : [...ofErrors, [ofCode, sentence(code)] as const]
  const fields = Object.fromEntries(all.filter(([name]) => shown.includes(name)))
  if (Object.keys(fields).length > 0) return { alert: null, fields }
  const ofPointer = errors.map(({ pointer }) => alerts[pointer]).find((one) => one !== undefined)
  if (ofPointer !== undefined) return { alert: ofPointer, fields }
  return { alert: Object.hasOwn(mishaps, code) ? mishaps[code as Mishap] : mishaps.other, fields }
}
