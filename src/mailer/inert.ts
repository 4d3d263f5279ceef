/**
 * Text of strangers (names, devices, places, addresses of webhooks) made harmless to read: no line break, no invisible or
 * direction-changing character, and nothing that a mail program would turn into a link by itself.
 */

/** Text that is safe in a mail: in its subject, its sender's name and its text part as it is, in HTML once escaped. */
export type Inert = string & { readonly inert: unique symbol }

/** What programs read as a part of a link, with IDNA's other dots; a colon between digits is a time of day. */
const BEFORE_MORE = /[.@\u2024\u3002\ufe52\uff0e\uff1a\uff20\uff61](?=\S)|:(?=[^\s\d])|(?<!\d):(?=\d)/gu

/**
 * A dot, a colon or an `@` with something behind it gets a space: `evil.com` becomes `evil. com`, which reads like prose
 * and is no link anywhere, and `https://…` and `mailto:…` lose their scheme the same way. `J.R. Smith` survives as text.
 * @param maxCharacters in code points; what is longer ends in an ellipsis
 */
export function inert(text: string, maxCharacters = 80): Inert {
  const visible = text
    .toWellFormed()
    .normalize('NFC')
    // Cf: bidi controls, zero-width characters, tags. They go first, so that none hides what follows a dot.
    .replace(/[\p{Cf}\p{Co}\ufffd]/gu, '')
    .replace(/[\p{Cc}\p{Z}]+/gu, ' ')
    .trim()
    .replace(BEFORE_MORE, '$& ')
  const characters = Array.from(visible)
  const kept =
    characters.length > maxCharacters ? `${characters.slice(0, maxCharacters - 1).join('')}…` : visible
  return kept as Inert // the only place where the brand is given
}
