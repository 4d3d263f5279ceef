/** The languages that mail is written in, and which of them somebody gets. */
import { de } from './de.ts'
import { en } from './en.ts'
import type { Texts } from './texts.ts'

/** By BCP 47 tag. The first is for whoever wants none of them. */
const LANGUAGES: Record<string, Texts> = { en, de }

export type Language = {
  /** The tag of the texts. */
  tag: string
  texts: Texts
  /** How dates and countries are written: the reader's own tag, e.g. `de-CH`, where the texts are in its language. */
  formats: string
}

/**
 * The best match by lookup (RFC 4647 §3.4): `de-CH` finds `de`.
 * @param wanted tags, the reader's first, then the tenant's; any of them may be no tag at all
 */
export function chooseLanguage(wanted: readonly (string | null)[]): Language {
  for (const tag of wanted) {
    const locale = tag === null ? null : parseLocale(tag)
    const subtags = locale?.split('-') ?? []
    for (let length = subtags.length; length > 0; length--) {
      const candidate = subtags.slice(0, length).join('-')
      const texts = Object.hasOwn(LANGUAGES, candidate) ? LANGUAGES[candidate] : undefined
      if (texts && locale) return { tag: candidate, texts, formats: locale }
    }
  }
  return { tag: 'en', texts: en, formats: 'en' }
}

/** Canonical, without extensions: those may ask for other digits and calendars. */
function parseLocale(tag: string): string | null {
  try {
    return new Intl.Locale(tag).baseName
  } catch {
    return null // a tenant's setting that is no tag says nothing
  }
}
