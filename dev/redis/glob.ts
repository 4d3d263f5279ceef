/**
 * Redis's glob patterns, as KEYS, SCAN and their kin match them: byte by byte, with Redis's own reading of what is
 * malformed (an unclosed class ends with the pattern, a lone backslash is itself).
 */

/** @param subject a byte string @returns whether all of it matches */
export function matchesGlob(pattern: string, subject: string): boolean {
  return match(pattern, 0, subject, 0)
}

function match(pattern: string, patternStart: number, subject: string, subjectStart: number): boolean {
  let at = patternStart
  let position = subjectStart
  while (at < pattern.length) {
    const symbol = pattern[at]
    if (symbol === '*') {
      while (pattern[at + 1] === '*') at++
      return matchesAnywhere(pattern, at + 1, subject, position)
    }
    if (position >= subject.length) return false
    if (symbol === '[') {
      const byteClass = readClass(pattern, at, subject.charCodeAt(position))
      if (!byteClass.matches) return false
      at = byteClass.end
    } else if (symbol !== '?') {
      if (symbol === '\\' && at + 1 < pattern.length) at++
      if (pattern[at] !== subject[position]) return false
    }
    position++
    at++
  }
  return position >= subject.length
}

function matchesAnywhere(pattern: string, at: number, subject: string, position: number): boolean {
  if (at === pattern.length) return true
  for (let start = position; start < subject.length; start++) {
    if (match(pattern, at, subject, start)) return true
  }
  return false
}

/** `[abc]`, `[^a-z]`, `[\]]`. @returns also where the class ends: on its `]`, or past the pattern's last byte */
function readClass(pattern: string, start: number, byte: number): { matches: boolean; end: number } {
  let at = start + 1
  const negated = pattern[at] === '^'
  if (negated) at++
  let found = false
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern[at] === '\\' && at + 1 < pattern.length) {
      at++
      if (pattern.charCodeAt(at) === byte) found = true
    } else if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const ends = [signed(pattern.charCodeAt(at)), signed(pattern.charCodeAt(at + 2))]
      if (signed(byte) >= Math.min(...ends) && signed(byte) <= Math.max(...ends)) found = true
      at += 2
    } else if (pattern.charCodeAt(at) === byte) found = true
    at++
  }
  return { matches: found !== negated, end: at }
}

/** Redis compares C's `char`, which is signed on x86: bytes from 0x80 come before all others. */
function signed(byte: number): number {
  return byte < 0x80 ? byte : byte - 0x100
}
