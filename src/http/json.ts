/**
 * Strict JSON: what `JSON.parse` accepts, less what two parsers could read differently (a key given twice)
 * and what exists only to hurt (deep nesting). RFC 8259 §4 leaves both to the receiver.
 */

export type JsonProblem = 'not_json' | 'duplicate_key' | 'too_deep'

/** @returns the value, or why it is refused; `duplicate_key` and `too_deep` are also malformed for us */
export function parseJson(text: string, maxDepth: number): { value: unknown } | { problem: JsonProblem } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: 'not_json' } // the engine's message quotes the body, which may hold a password
  }
  const problem = scan(text, maxDepth)
  return problem === null ? { value } : { problem }
}

/**
 * Walks the tokens of a valid text once, for nesting and for the keys of each object. Only of a valid one: where
 * a string may have no end, looking for it from every quote costs the square of the length.
 */
function scan(text: string, maxDepth: number): JsonProblem | null {
  const open: (Set<string> | null)[] = [] // the keys seen, for each object that is open; null for an array
  const token = /"(?:[^"\\]|\\.)*"(?=(\s*:)?)|[{}[\]]/gs
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [lexeme, isKey] = match
    if (lexeme === '{' || lexeme === '[') {
      if (open.push(lexeme === '{' ? new Set() : null) > maxDepth) return 'too_deep'
    } else if (lexeme === '}' || lexeme === ']') {
      open.pop()
    } else if (isKey !== undefined) {
      const keys = open.at(-1)
      const key = readKey(lexeme)
      if (keys?.has(key)) return 'duplicate_key'
      keys?.add(key)
    }
  }
  return null
}

/** `"\u0061"` and `"a"` are the same key. */
const readKey = (lexeme: string): string => String(JSON.parse(lexeme))
