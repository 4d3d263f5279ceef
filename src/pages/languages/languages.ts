/** The languages that the pages are written in, and which of them a reader gets. */
import type { HonoRequest } from 'hono'
import { findLanguage, preferredLanguage } from '../../http/language.ts'
import { LANGUAGES } from './all.ts'
import { en } from './en.ts'
import type { Texts } from './texts.ts'

/**
 * The first of `ui_locales` that we have (OpenID Connect Core §3.1.2.1), else what the browser prefers (`Accept-Language`), else
 * English.
 */
export function languageOf(request: Pick<HonoRequest, 'query' | 'raw'>): { tag: string; texts: Texts } {
  const asked = (request.query('ui_locales') ?? '').slice(0, 200).split(' ')
  const preferred = preferredLanguage(request.raw.headers)
  for (const wanted of [...asked, preferred ?? '']) {
    const found = wanted === '' ? null : findLanguage<Texts>(wanted, LANGUAGES)
    if (found) return found
  }
  return { tag: 'en', texts: en }
}
