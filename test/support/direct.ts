/**
 * HTTP to a Worker's own socket of workerd, without the Worker of Miniflare's that otherwise stands in between and
 * takes as long as the product does. What that one or the platform adds to a request is added here.
 */
import { once } from 'node:events'
import http from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'

/** What a request may be made with; `cf` is what the platform knows of the caller. */
export type DirectInit = {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  signal?: AbortSignal
  cf?: object
}

/** What a caller calls itself, unless it says otherwise. */
export const USER_AGENT = 'tests'

/** What the platform says of each caller, unless the caller of this test is said to be someone else. */
const ADDED = {
  'cf-connecting-ip': '127.0.0.1',
  'accept-encoding': 'br, gzip',
  accept: '*/*',
  'user-agent': USER_AGENT,
}

const WITHOUT_BODY = [101, 204, 205, 304]

/** @param cf what `request.cf` is where a request does not say more */
export function createDirectFetch(port: number, cf: object) {
  // workerd ends a connection that was idle for five seconds: one of three is not used again, lest a request meets its end.
  const agent = new http.Agent({ keepAlive: true, timeout: 3000 })
  const usual = JSON.stringify(cf)
  return {
    fetch: async (target: string, { headers, body, method, signal, cf: said }: DirectInit = {}) => {
      const url = new URL(target)
      const request = http.request({
        host: '127.0.0.1',
        port,
        agent,
        method,
        path: `${url.pathname}${url.search}`,
        headers: {
          ...ADDED,
          ...(typeof body === 'string' && { 'content-type': 'text/plain;charset=UTF-8' }), // as `fetch` does
          ...Object.fromEntries(new Headers(headers)),
          host: url.host,
          'mf-cf-blob': said ? JSON.stringify({ ...cf, ...said }) : usual,
          ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        },
        ...(signal && { signal }),
      })
      request.on('error', () => {}) // of an answer that has begun; before, `answered` rejects
      const answered = once(request, 'response') as Promise<[http.IncomingMessage]> // as node:http documents it
      request.end(body)
      const [answer] = await answered
      return responseOf(answer)
    },
    stop: () => agent.destroy(),
  }
}

async function responseOf(answer: http.IncomingMessage): Promise<Response> {
  const { statusCode: status = 500, headers: given, headersDistinct } = answer
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(headersDistinct))
    for (const value of values) headers.append(name, value)
  const isWhole = WITHOUT_BODY.includes(status) || given['content-length'] !== undefined
  // What has no length is a stream, which a test may want to read bit by bit.
  const body = isWhole ? await buffer(answer) : (Readable.toWeb(answer) as ReadableStream)
  const response = new Response(WITHOUT_BODY.includes(status) ? null : body, { status, headers })
  if (Buffer.isBuffer(body)) whole.set(response, body.toString())
  return response
}

/** What has arrived already: a clone of a response is made of two streams, and takes longer than its text. */
const whole = new WeakMap<Response, string>()

/** What the answer says, which its test reads afterwards all the same. */
export const textOf = async (response: Response): Promise<string> =>
  whole.get(response) ?? (await response.clone().text())
