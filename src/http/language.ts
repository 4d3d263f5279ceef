/** Language tags (BCP 47): the one that a person sets, and the one that a browser prefers. */
import * as v from 'valibot'
import { text } from './input.ts'

/** What RFC 5646 §4.4.1 wants every tag to fit into. */
const MAX_TAG = 35

/** A tag as a person sets it, in canonical form: `DE-ch` is `de-CH`. */
export const LanguageTag = v.pipe(
  text(MAX_TAG),
  v.check((tag) => canonicalTag(tag) !== null, 'invalid_language'),
  v.transform((tag) => canonicalTag(tag) ?? tag),
)

/** @returns null for what is no well-formed tag or is too long to be stored */
function canonicalTag(text: string): string | null {
  if (text.length > MAX_TAG) return null
  try {
    const [tag = null] = Intl.getCanonicalLocales(text)
    return tag !== null && tag.length <= MAX_TAG ? tag : null
  } catch {
    return null // not well-formed
  }
}

/** A header may be long; more languages than this are ignored. */
const MAX_RANGES = 20

/** The language that `Accept-Language` (RFC 9110 §12.5.4) prefers; null when it names none. */
export function preferredLanguage(headers: Headers): string | null {
  const ranges = (headers.get('accept-language') ?? '').slice(0, MAX_RANGES * 50).split(',', MAX_RANGES)
  const accepted = ranges.flatMap((range) => {
    const [, text = '', weight = '1'] = /^\s*([a-z0-9-]+)\s*(?:;\s*q=([0-9.]+)\s*)?$/i.exec(range) ?? []
    const tag = canonicalTag(text)
    return tag !== null && Number(weight) > 0 ? [{ tag, weight: Number(weight) }] : []
  })
  // Stable: of two that weigh the same, the first.
  return accepted.toSorted((one, other) => other.weight - one.weight)[0]?.tag ?? null
}

/**
 * The best match by lookup (RFC 4647 §3.4): `de-CH` finds `de`.
 * @param wanted a tag, or text that is none
 * @param languages by tag
 * @returns also the wanted tag without its extensions, which may ask for other digits and calendars; null without a match
 */
export function findLanguage<Texts>(
  wanted: string,
  languages: Record<string, Texts>,
): { tag: string; texts: Texts; locale: string } | null {
  const locale = baseOf(wanted)
  const subtags = locale?.split('-') ?? []
  for (let length = subtags.length; length > 0; length--) {
    const tag = subtags.slice(0, length).join('-')
    const texts = Object.hasOwn(languages, tag) ? languages[tag] : undefined
    if (texts && locale) return { tag, texts, locale }
  }
  return null
}

function baseOf(tag: string): string | null {
  try {
    return new Intl.Locale(tag).baseName
  } catch {
    return null // no tag: it says nothing
  }
}
