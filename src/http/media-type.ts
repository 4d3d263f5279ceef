/**
 * `Content-Type` as RFC 9110 §8.3.1 writes it: blanks around `;`, either case, quoted values, an empty parameter. Of the
 * parameters `charset` alone is known, and UTF-8 alone is taken.
 */

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const ESSENCE = new RegExp(`^(${TOKEN}/${TOKEN})`)
/** One `;` with what follows it: a parameter, or none. */
const PARAMETER = `[ \\t]*;[ \\t]*(?:(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)"))?`

/** @param type a media type in lower case; a list of types, which two headers become, is none */
export function isOfType(headers: Headers, type: string): boolean {
  const given = headers.get('content-type') ?? ''
  const [essence = ''] = ESSENCE.exec(given) ?? []
  if (essence.toLowerCase() !== type) return false
  // One after the other, because blanks between two `;` could be of either, and a pattern for all tries every way.
  const next = new RegExp(PARAMETER, 'y')
  next.lastIndex = essence.length
  while (next.lastIndex < given.length) {
    const parameter = next.exec(given)
    if (parameter === null) return false
    const [, name, token, quoted = ''] = parameter
    if (name !== undefined && !isUtf8(name, token ?? quoted.replace(/\\(.)/g, '$1'))) return false
  }
  return true
}

const isUtf8 = (name: string, value: string) => /^charset$/i.test(name) && /^utf-?8$/i.test(value)
