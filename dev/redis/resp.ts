/** RESP2, Redis's wire protocol: commands as bytes, replies read out of a stream that arrives in arbitrary pieces. */
import { RedisError, type Reply } from './reply.ts'

/** @param words byte strings */
export function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}

/** What is missing of a reply: more bytes. */
const INCOMPLETE = Symbol('incomplete')

type Cursor = { buffer: Buffer; at: number }

/** @returns a function that is fed the stream and hands on every complete reply, in order */
export function createReplyReader(onReply: (reply: Reply) => void): (chunk: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0)
  return (chunk) => {
    const cursor: Cursor = { buffer: pending.length === 0 ? chunk : Buffer.concat([pending, chunk]), at: 0 }
    let complete = 0
    for (;;) {
      const reply = readReply(cursor)
      if (reply === INCOMPLETE) break
      complete = cursor.at
      onReply(reply)
    }
    pending = cursor.buffer.subarray(complete)
  }
}

function readReply(cursor: Cursor): Reply | typeof INCOMPLETE {
  const line = readLine(cursor)
  if (line === INCOMPLETE) return INCOMPLETE
  const rest = line.slice(1)
  switch (line[0]) {
    case '+':
      return { status: rest }
    case '-':
      return new RedisError(rest)
    case ':':
      return Number(rest)
    case '$':
      return readBulk(cursor, Number(rest))
    case '*':
      return readItems(cursor, Number(rest))
    default:
      throw new Error(`redis: not a RESP2 reply: ${JSON.stringify(line.slice(0, 80))}`)
  }
}

function readLine(cursor: Cursor): string | typeof INCOMPLETE {
  const end = cursor.buffer.indexOf('\r\n', cursor.at, 'latin1')
  if (end < 0) return INCOMPLETE
  const line = cursor.buffer.toString('latin1', cursor.at, end)
  cursor.at = end + 2
  return line
}

function readBulk(cursor: Cursor, byteCount: number): string | null | typeof INCOMPLETE {
  if (byteCount < 0) return null
  const end = cursor.at + byteCount
  if (cursor.buffer.length < end + 2) return INCOMPLETE
  const value = cursor.buffer.toString('latin1', cursor.at, end)
  cursor.at = end + 2
  return value
}

function readItems(cursor: Cursor, count: number): Reply[] | null | typeof INCOMPLETE {
  if (count < 0) return null
  const items: Reply[] = []
  for (let index = 0; index < count; index++) {
    const item = readReply(cursor)
    if (item === INCOMPLETE) return INCOMPLETE
    items.push(item)
  }
  return items
}
