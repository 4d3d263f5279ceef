/** The languages that the pages are written in, and which of them a reader gets. */
import { findLanguage, preferredLanguage } from '../../http/language.ts'
import { de } from './de.ts'
import { en } from './en.ts'
import type { Texts } from './texts.ts'

/** By BCP 47 tag. */
const LANGUAGES: Record<string, Texts> = { en, de }

/** What the browser prefers (`Accept-Language`), where we have it; else English. */
export function languageOf(headers: Headers): { tag: string; texts: Texts } {
  const preferred = preferredLanguage(headers)
  return (preferred === null ? null : findLanguage(preferred, LANGUAGES)) ?? { tag: 'en', texts: en }
}
