/** The languages that mail is written in, and which of them somebody gets. */
import { findLanguage } from '../../http/language.ts'
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

/** @param wanted tags, the reader's first, then the tenant's; any of them may be no tag at all */
export function chooseLanguage(wanted: readonly (string | null)[]): Language {
  for (const tag of wanted) {
    const found = tag === null ? null : findLanguage(tag, LANGUAGES)
    if (found) return { tag: found.tag, texts: found.texts, formats: found.locale }
  }
  return { tag: 'en', texts: en, formats: 'en' }
}
