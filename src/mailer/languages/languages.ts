/** The languages of mails, and the choice of one. */
import { findLanguage } from '../../http/language.ts'
import { LANGUAGES } from './all.ts'
import { en } from './en.ts'
import type { Texts } from './texts.ts'

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
    const found = tag === null ? null : findLanguage<Texts>(tag, LANGUAGES)
    if (found) return { tag: found.tag, texts: found.texts, formats: found.locale }
  }
  return { tag: 'en', texts: en, formats: 'en' }
}
