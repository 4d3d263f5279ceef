/**
 * A range API as Have I Been Pwned's, which refuses what that refuses, and misbehaves on demand: each prefix behaves
 * for itself, so that tests share nothing. What was asked is kept byte for byte.
 */
import { createHash } from 'node:crypto'
import type http from 'node:http'
import { text } from 'node:stream/consumers'
import { LOOPBACK, serveLocally } from '../../dev/local-server.ts'

/**
 * - a status, with headers: answers that instead of the range
 * - `hanging` takes the request and never answers; `dripping` never ends the range that it begins
 * - `flooding` sends lines without end, the password's own first
 * - `cutting` closes the connection in the middle of the range
 * - `lower case` answers in small letters and without carriage returns, as mirrors do
 */
export type RangeBehaviour =
  | { status: number; headers?: Record<string, string>; body?: string }
  | 'hanging'
  | 'dripping'
  | 'flooding'
  | 'cutting'
  | 'lower case'

export type Question = { method: string; path: string; headers: http.IncomingHttpHeaders; body: string }

export type RangeServer = Awaited<ReturnType<typeof startRangeServer>>

export async function startRangeServer() {
  const breaches = new Map<string, number>()
  const behaviours = new Map<string, RangeBehaviour>()
  const questions: Question[] = []
  const flooded = { bytes: 0 }
  const server = await serveLocally('range', 0, async (request, response) => {
    const { method = '', url: path = '', headers } = request
    questions.push({ method, path, headers, body: await text(request) })
    const refusal = refusalOf(questions.at(-1))
    const prefix = path.slice(-5).toUpperCase()
    const lines = rangeOf(breaches, prefix, headers['add-padding'] === 'true')
    const behaviour = behaviours.get(prefix)
    response.on('error', () => {}) // written to after they left
    if (refusal) response.writeHead(refusal.status).end(refusal.body)
    else if (behaviour === 'flooding') flood(response, lines, flooded)
    else answer(response, lines, behaviour)
  })
  return {
    url: `http://${LOOPBACK}:${server.port}/range/`,
    /** The password is known from so many breaches; 0 makes it one of the lines that pad. */
    know: (password: string, count = 1) => breaches.set(sha1(password), count),
    /** How the range of the password behaves. */
    behave: (password: string, behaviour: RangeBehaviour) => behaviours.set(prefixOf(password), behaviour),
    /** What was asked of the password's range. */
    asked: (password: string) => questions.filter(({ path }) => path.endsWith(`/${prefixOf(password)}`)),
    all: () => [...questions],
    /** Bytes of `flooding` answers that left. */
    floodedBytes: () => flooded.bytes,
    stop: server.stop,
  }
}

/** SHA-1 in hex, as the ranges write it. */
export const sha1 = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase()
export const prefixOf = (password: string) => sha1(password).slice(0, 5)

/** Its lines, with CRLF between them; padded to 800 and more with suffixes that no password has. */
function rangeOf(breaches: Map<string, number>, prefix: string, isPadded: boolean): string[] {
  const known = [...breaches].filter(([hash]) => hash.startsWith(prefix))
  const others = Array.from({ length: isPadded ? 800 : 20 }, (_, index) => {
    const suffix = sha1(`${prefix} ${index}`).slice(5)
    return `${suffix}:${index < 20 ? index + 1 : 0}`
  })
  return [...known.map(([hash, count]) => `${hash.slice(5)}:${count}`), ...others].toSorted()
}

/** What the API itself refuses, in its words. */
function refusalOf(question: Question | undefined): { status: number; body: string } | null {
  if (question?.method !== 'GET') return { status: 405, body: '' }
  if (!question.headers['user-agent']) return { status: 403, body: 'no user agent has been specified' }
  if (/^\/range\/[0-9A-F]{5}$/i.test(question.path)) return null
  return { status: 400, body: 'The hash prefix was not in a valid format' }
}

const PLAIN = { 'content-type': 'text/plain' }

function answer(
  response: http.ServerResponse,
  lines: string[],
  behaviour?: Exclude<RangeBehaviour, 'flooding'>,
): void {
  const range = lines.join('\r\n')
  if (behaviour === undefined) response.writeHead(200, PLAIN).end(range)
  else if (typeof behaviour === 'object')
    response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body)
  else if (behaviour === 'lower case') response.writeHead(200, PLAIN).end(lines.join('\n').toLowerCase())
  else if (behaviour === 'dripping') drip(response.writeHead(200, PLAIN), range)
  else if (behaviour === 'cutting') {
    response.writeHead(200, { ...PLAIN, 'content-length': range.length * 2 }).write(`${range}\r\n`)
    response.socket?.destroySoon()
  }
}

/** The range, and one more character now and then. */
function drip(response: http.ServerResponse, range: string): void {
  response.write(`${range}\r\n`)
  const timer = setInterval(() => response.write('0'), 20)
  response.on('close', () => clearInterval(timer))
}

const GIGABYTE = 1024 ** 3

function flood(response: http.ServerResponse, lines: string[], flooded: { bytes: number }): void {
  const range = `${lines.join('\r\n')}\r\n`
  response.writeHead(200, PLAIN)
  const more = () => {
    while (!response.destroyed && flooded.bytes < GIGABYTE) {
      flooded.bytes += range.length
      if (!response.write(range)) return response.once('drain', more)
    }
    return response.end()
  }
  more()
}
