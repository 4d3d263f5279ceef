/**
 * Signing out and refreshing by cookie as clients ask for it that have nothing to send: no body is no body, whatever its
 * `Content-Type`. What the type kept out before, a form of another page, is kept out by where it comes from.
 */
import { describe, expect, test } from 'vitest'
import { type Client, newClient, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type RawAnswer, rawRequest, sendRaw } from '../support/raw.ts'
import { useLentService } from '../support/service.ts'
import { generations, sessionRow } from '../support/sessions.ts'

const service = useLentService()

const EMPTY = ['Content-Length: 0']
const CHUNKED = ['Transfer-Encoding: chunked']
const form = 'Content-Type: application/x-www-form-urlencoded'

/** The header lines with which each sends nothing. */
const CLIENTS: [string, string[]][] = [
  [
    'axios.post(url) of Node',
    ['Accept: application/json, text/plain, */*', form, 'User-Agent: axios/1.7.9', ...EMPTY],
  ],
  ['axios.post(url, null) of a browser', ['Accept: application/json, text/plain, */*', form, ...EMPTY]],
  [
    'jQuery, $.ajax with a content type',
    [`${form}; charset=UTF-8`, 'X-Requested-With: XMLHttpRequest', ...EMPTY],
  ],
  [
    'HttpURLConnection',
    [form, 'User-Agent: Java/21.0.2', 'Accept: text/html, image/gif, image/jpeg, */*; q=0.2', ...EMPTY],
  ],
  ["fetch with ''", ['Content-Type: text/plain;charset=UTF-8', ...EMPTY]],
  ['fetch with new URLSearchParams()', [`${form};charset=UTF-8`, ...EMPTY]],
  ['fetch with no body', EMPTY],
  ["curl -d ''", ['User-Agent: curl/8.5.0', 'Accept: */*', form, ...EMPTY]],
  ['HttpClient of .NET with StringContent("")', ['Content-Type: text/plain; charset=utf-8', ...EMPTY]],
  ['a client that always says JSON', ['Content-Type: application/json', ...EMPTY]],
  ['a client that says a type that is none', ['Content-Type: *', ...EMPTY]],
  ['a multipart client', ['Content-Type: multipart/form-data; boundary=x', ...EMPTY]],
  ['a client that says nothing, not even a length', []],
  ['net/http of Go with a reader of nothing', ['User-Agent: Go-http-client/1.1', form, ...CHUNKED]],
  ['a stream of nothing', ['Content-Type: application/octet-stream', ...CHUNKED]],
  ['a stream of nothing that says JSON', ['Content-Type: application/json', ...CHUNKED]],
]

async function newBrowser() {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  return { client, tokens }
}

const lastChunk = (lines: string[]) => (lines.some((line) => CHUNKED.includes(line)) ? '0\r\n\r\n' : '')

/** By the cookie of the session, with these header lines as they stand. */
function byCookie(
  { tenant }: Client,
  tokens: Tokens,
  path: string,
  lines: string[],
  body = '',
): Promise<RawAnswer> {
  const head = [`Host: ${tenant.host}`, `Cookie: __Host-latchkey=${tokens.refresh_token}`, ...lines]
  return sendRaw(service(), rawRequest(`POST ${path} HTTP/1.1`, head, body))
}

describe.each(CLIENTS)('clients 11: %s', (_, lines) => {
  test('refreshes and signs out by cookie, on our own page', async () => {
    const { client, tokens } = await newBrowser()
    const own = [`Origin: ${client.tenant.origin}`, 'Sec-Fetch-Site: same-origin', ...lines]
    const refreshed = await byCookie(client, tokens, '/v1/refresh', own, lastChunk(lines))
    expect({ status: refreshed.status, text: refreshed.text }).toMatchObject({ status: 200 })
    const out = await byCookie(client, tokens, '/v1/logout', own, lastChunk(lines))
    expect({ status: out.status, text: out.text }).toEqual({ status: 204, text: '' })
    expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoke_reason: 'signed_out' })
  })

  test('signs out by bearer token', async () => {
    const { client, tokens } = await newBrowser()
    const head = [`Host: ${client.tenant.host}`, `Authorization: Bearer ${tokens.access_token}`, ...lines]
    const out = await sendRaw(service(), rawRequest('POST /v1/logout HTTP/1.1', head, lastChunk(lines)))
    expect({ status: out.status, text: out.text }).toEqual({ status: 204, text: '' })
  })

  test('gets nothing by cookie from a page of another site, or of no site', async () => {
    const { client, tokens } = await newBrowser()
    for (const from of STRANGERS)
      for (const path of ['/v1/refresh', '/v1/logout']) {
        const { status, text, headers } = await byCookie(
          client,
          tokens,
          path,
          [...from, ...lines],
          lastChunk(lines),
        )
        expect({ path, from, status, text }).toMatchObject({
          status: 403,
          text: expect.stringContaining('"origin_not_allowed"'),
        })
        expect(headers.get('set-cookie')).toBeNull()
        expect(headers.get('access-control-allow-origin')).toBeNull()
      }
    expect(await generations(service(), tokens.session.id)).toMatchObject([{ used: false }])
    expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoked_at: null })
  })
})

/** What browsers say of a form, or of a script, of another page; and what an old one says, which is nothing. */
const STRANGERS = [
  ['Origin: https://evil.test', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'],
  ['Origin: https://evil.test'],
  ['Origin: https://evil.test', 'Sec-Fetch-Site: same-site'],
  ['Origin: null', 'Sec-Fetch-Site: cross-site'],
  ['Origin: null', 'Sec-Fetch-Site: same-origin'],
  ['Sec-Fetch-Site: cross-site'],
  ['Sec-Fetch-Site: same-site'],
  ['Sec-Fetch-Site: none'],
  [],
]

describe('clients 11: what has content', () => {
  test.each([
    ['application/x-www-form-urlencoded', 'a=b'],
    ['text/plain', '{}'],
    ['text/plain;charset=UTF-8', ' '],
    ['multipart/form-data; boundary=x', '--x--\r\n'],
    ['application/jsonp', '{}'],
  ])('of the type %s stays 415, by cookie and by bearer, and changes nothing', async (type, body) => {
    const { client, tokens } = await newBrowser()
    const cookie = `__Host-latchkey=${tokens.refresh_token}`
    const headers = { 'content-type': type, cookie, origin: client.tenant.origin }
    for (const path of ['/v1/refresh', '/v1/logout'])
      expectProblem(await client.call(path, { body, headers }), 'unsupported_media_type')
    expectProblem(
      await client.call('/v1/logout', {
        body,
        bearer: tokens.access_token,
        headers: { 'content-type': type },
      }),
      'unsupported_media_type',
    )
    expect(await generations(service(), tokens.session.id)).toMatchObject([{ used: false }])
    expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoked_at: null })
  })

  test('and is JSON is taken under every spelling of its type; null is as good as {}', async () => {
    for (const type of [
      'APPLICATION/JSON; Charset="UTF-8"',
      'application/json ; charset=utf-8',
      'application/json;',
    ])
      for (const body of ['null', '{}', ' null\n']) {
        const { client, tokens } = await newBrowser()
        const headers = {
          'content-type': type,
          cookie: `__Host-latchkey=${tokens.refresh_token}`,
          origin: client.tenant.origin,
        }
        expect((await client.call('/v1/refresh', { body, headers })).status).toBe(200)
        expect((await client.call('/v1/logout', { body, headers })).status).toBe(204)
      }
  })

  test('is needed where an operation has no body to do without: an empty one is refused, whatever its type', async () => {
    const { client } = await newBrowser()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
      expectProblem(
        await client.call('/v1/login', { method: 'POST', headers: { 'content-type': type } }),
        'unsupported_media_type',
      )
    for (const body of ['', 'null'])
      expect(
        (await client.call('/v1/login', { body, headers: { 'content-type': 'application/json' } })).status,
      ).toBeOneOf([400, 422])
  })
})

test('clients 11: an operation that takes no body looks at no Content-Type', async () => {
  const client = await newClient(service())
  const { tokens } = await client.newAdmin()
  const id = tokens.session.id
  const calls = [
    ['POST', `/v1/webhooks/${id}/rotate-secret`],
    ['POST', `/v1/webhooks/${id}/test`],
    ['POST', `/v1/webhooks/${id}/deliveries/${id}/replay`],
    ['DELETE', `/v1/webhooks/${id}`],
    ['DELETE', '/v1/sessions?except=current'],
    ['DELETE', `/v1/sessions/${id}`],
  ] as const
  for (const [method, path] of calls) {
    const lines = [
      `Host: ${client.tenant.host}`,
      `Authorization: Bearer ${tokens.access_token}`,
      form,
      ...EMPTY,
    ]
    const { status, text } = await sendRaw(service(), rawRequest(`${method} ${path} HTTP/1.1`, lines))
    expect({ path, ok: status >= 200 && status < 300, text }).toMatchObject({ ok: true })
  }
})
