/** A caller with one kept-alive connection at a time; anything but success ends the measurement. */
import http from 'node:http'
import { LOOPBACK } from '../dev/local-server.ts'
import { HOST } from './stack.ts'

export type Call = {
  method?: string
  path: string
  json?: unknown
  text?: string
  bearer?: string | undefined
  idempotencyKey?: string
  cookie?: string | undefined
  /** On top of those that the members above make. */
  headers?: Record<string, string>
}

/** `cookies` as they would be sent back. */
export type Answer = { status: number; body: string; cookies: string; location?: string | undefined }

export type Send = (call: Call) => Promise<Answer>

/** @returns a function that sends a request and throws unless the answer is a 2xx (or `expected`) */
export function createSender(
  port: number,
  address = '203.0.113.7',
  host = HOST,
): {
  send: Send
  /** Sends a request and takes any answer. */
  request: Send
  expect(status: number, call: Call): Promise<Answer>
  close(): void
} {
  const agent = new http.Agent({ keepAlive: true })
  const request = ({
    method,
    path,
    json,
    text,
    bearer,
    idempotencyKey,
    cookie,
    headers: more,
  }: Call): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const body = json === undefined ? text : JSON.stringify(json)
      const headers = {
        host,
        'cf-connecting-ip': address,
        'user-agent':
          'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/26.0 Safari/605.1.15',
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...(cookie !== undefined && { cookie }),
        ...more,
      }
      const options = {
        host: LOOPBACK,
        port,
        agent,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        path,
        headers,
      }
      const sent = http.request(options, (response) => {
        let received = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          received += chunk
        })
        const cookies = (response.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ')
        const { statusCode: status = 0, headers } = response
        response.once('end', () => resolve({ status, body: received, cookies, location: headers.location }))
        response.once('error', reject)
      })
      sent.once('error', reject)
      sent.end(body)
    })
  const expect = async (status: number, call: Call) => {
    const answer = await request(call)
    if (answer.status !== status)
      throw new Error(`${call.path} answered ${answer.status}: ${answer.body.slice(0, 500)}`)
    return answer
  }
  const send: Send = async (call) => {
    const answer = await request(call)
    if (answer.status >= 300)
      throw new Error(`${call.path} answered ${answer.status}: ${answer.body.slice(0, 500)}`)
    return answer
  }
  return { send, request, expect, close: () => agent.destroy() }
}
