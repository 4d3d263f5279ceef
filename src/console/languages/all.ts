/** Each language of this folder, by its BCP 47 tag. Written by `npm run docs`. */
import { de } from './de.ts'
import { en } from './en.ts'

export const LANGUAGES = {
  de,
  en,
}
