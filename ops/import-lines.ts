/** The lines of a file by their numbers, from 1, however long it is: one line is in memory at a time. */

/** As much as a request's body has: what one person is told by. */
const MAX_LINE_BYTES = 16 * 1024

/** `bytes` is null of a line that is too long: it is passed over, never held. */
export type Line = { line: number; bytes: Uint8Array | null }

export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<Line> {
  let line = 1
  let parts: Uint8Array[] = []
  let length = 0
  const take = (part: Uint8Array) => {
    length += part.length
    if (length <= maxBytes) parts.push(part)
    else parts = []
  }
  const end = () => {
    const ended = { line, bytes: length > maxBytes ? null : Buffer.concat(parts) }
    line += 1
    parts = []
    length = 0
    return ended
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, start)) {
      take(chunk.subarray(start, at))
      start = at + 1
      yield end()
    }
    take(chunk.subarray(start))
  }
  if (length > 0) yield end()
}
