/** A mail provider that a test can look into: Resend's `POST /emails`, which refuses what Resend refuses. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export const API_KEY = 're_test_key_0123456789'
export const MAIL_FROM = 'no-reply@mail.example.net'

export type SentMail = {
  from: string
  to: string
  subject: string
  text: string
  html: string
  headers: Record<string, string>
}

/**
 * How it behaves: `lossy` takes the mail and drops the connection, `limited` answers 429 the first time, `elsewhere`
 * redirects, `talkative` answers 409 without end, `busy` says that the key is being worked on.
 */
export type Mode =
  | 'open'
  | 'down'
  | 'lossy'
  | 'limited'
  | 'limited for long'
  | 'elsewhere'
  | 'talkative'
  | 'busy'
  | 'hanging'
  | 'locked'

export type Provider = {
  url: string
  /** What arrives at people: one for each idempotency key. */
  sent(to?: string): SentMail[]
  /** Every call, refused ones included. */
  calls(): { key: string; to: string; status: number }[]
  /** Bytes of its last answer that were taken from it. */
  written(): number
  set(mode: Mode): void
  reset(): void
  stop(): Promise<void>
}

const ADDRESS = /^[^\s<>@,;"]+@[^\s<>@,;".]+(\.[^\s<>@,;".]+)+$/
const SENDER = /^(?:[^<>",;:@\r\n]+ <)?([^\s<>]+@[^\s<>]+?)>?$/

type Taken = { id: string; body: string; mail: SentMail }

export async function startProvider(): Promise<Provider> {
  const taken = new Map<string, Taken>()
  const calls: { key: string; to: string; status: number }[] = []
  let mode: Mode = 'open'
  let written = 0

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    const key = String(request.headers['idempotency-key'] ?? '')
    const mail = JSON.parse(body) as SentMail
    const reply = (status: number, content: object, headers: Record<string, string> = {}) => {
      calls.push({ key, to: mail.to, status })
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(content))
    }
    const fail = (status: number, name: string, headers = {}) =>
      reply(status, { statusCode: status, name, message: `${name}: ${mail.to}` }, headers)

    if (mode === 'hanging') {
      calls.push({ key, to: mail.to, status: 0 })
      return
    }
    if (mode === 'down') return fail(503, 'service_unavailable')
    if (mode === 'busy') return fail(409, 'concurrent_idempotent_requests')
    if (mode === 'talkative') {
      calls.push({ key, to: mail.to, status: 409 })
      written = 0
      response.writeHead(409, { 'content-type': 'application/json' })
      const chunk = Buffer.alloc(16 * 1024, ' ')
      const write = () => {
        while (!response.destroyed) {
          written += chunk.length
          if (!response.write(chunk)) return void response.once('drain', write)
        }
      }
      return write()
    }
    if (mode === 'elsewhere') return reply(307, {}, { location: `${request.url}?again` })
    if (mode === 'limited' || mode === 'limited for long') {
      const seconds = mode === 'limited' ? '1' : '60'
      if (mode === 'limited') mode = 'open'
      return fail(429, 'rate_limit_exceeded', { 'retry-after': seconds })
    }
    if (mode === 'locked' || request.headers.authorization !== `Bearer ${API_KEY}`)
      return fail(request.headers.authorization ? 403 : 401, 'invalid_api_key')
    if (key.length > 256) return fail(400, 'invalid_idempotency_key')
    const sender = SENDER.exec(mail.from)?.[1]
    if (!sender || !ADDRESS.test(sender)) return fail(422, 'invalid_from_address')
    if (sender !== MAIL_FROM) return fail(403, 'validation_error')
    const isComplete = [mail.subject, mail.text, mail.html].every(
      (one) => typeof one === 'string' && one !== '',
    )
    const isClean = [mail.subject, ...Object.entries(mail.headers).flat()].every((one) => !/[\r\n]/.test(one))
    if (!ADDRESS.test(mail.to) || !isComplete || !isClean) return fail(422, 'validation_error')
    const before = taken.get(key)
    if (before && before.body !== body) return fail(409, 'invalid_idempotent_request')
    const now = before ?? { id: randomUUID(), body, mail }
    taken.set(key, now)
    if (mode === 'lossy') {
      calls.push({ key, to: mail.to, status: 0 })
      return void request.socket.destroy()
    }
    reply(200, { id: now.id })
  }

  const server = http.createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/emails`, // a TCP server's address is one
    sent: (to) =>
      [...taken.values()].map(({ mail }) => mail).filter((mail) => to === undefined || mail.to === to),
    calls: () => [...calls],
    written: () => written,
    set: (value) => {
      mode = value
    },
    reset: () => {
      mode = 'open'
      taken.clear()
      calls.length = 0
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
