/** What a form must be to be taken: of our own page, of exactly one content type, small, strict, and each field once. */

import { describe, expect, test } from 'vitest'
import { createBrowser, type Opened, PAGES } from '../support/browser.ts'
import { newClient } from '../support/client.ts'
import { sendUnfinished } from '../support/raw.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()
const NEW_PASSWORD = 'new battery staple'

/** Someone who was mailed a link for a new password, and their browser. */
async function newReader() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const { token } = await client.plant('reset_password', tokens)
  const browser = createBrowser(service(), client.tenant)
  const isUsed = async () => {
    const [row] = await service().sql('select consumed_at from one_time_tokens where user_id = $1', [
      tokens.user.id,
    ])
    return row?.consumed_at !== null
  }
  return { client, email, token, isUsed, ...browser }
}

const PATH = '/link/reset-password'

function expectRefusedPage({ status, headers, elements, alert }: Opened, expected: number): void {
  expect(status).toBe(expected)
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('content-security-policy')).toContain("style-src 'sha256-")
  expect(headers.get('set-cookie')).toBeNull()
  expect(elements[0]?.attributes.lang).toBe('en')
  expect(alert).toMatch(/\w/)
}

describe('a form', () => {
  test.each([
    ['of a browser whose page sends no referrer', { origin: 'null', 'sec-fetch-site': 'same-origin' }],
    ['of a browser that says where it comes from', { 'sec-fetch-site': 'same-origin' }],
    ['that a person sends once more from their history', { origin: 'null', 'sec-fetch-site': 'none' }],
  ])('%s is taken', async (_, headers) => {
    const { post, client, token } = await newReader()
    const origin = 'origin' in headers ? headers.origin : client.tenant.origin
    const { status } = await post(PATH, { token, password: NEW_PASSWORD }, { ...headers, origin })
    expect(status).toBe(200)
  })

  test('of a program, which is no browser, is taken', async () => {
    const { ask, token } = await newReader()
    const { status } = await ask(PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
      body: `token=${token}&password=new+battery%20staple`,
    })
    expect(status).toBe(200)
  })

  test('of another page is refused with 403, whatever it says of itself, and uses nothing up', async () => {
    const { post, token, client, isUsed } = await newReader()
    await service().sql(`update tenants set allowed_origins = '{https://app.good.test}' where id = $1`, [
      client.tenant.id,
    ])
    const { origin } = client.tenant
    const foreign: Record<string, string>[] = [
      { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' },
      { origin: 'https://evil.test', 'sec-fetch-site': 'none' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { origin: 'null', 'sec-fetch-site': 'same-site' },
      { origin: 'null', 'sec-fetch-site': '' },
      { origin, 'sec-fetch-site': 'cross-site' },
      { origin: `${origin}.evil.test`, 'sec-fetch-site': 'same-site' },
      { origin: `${origin}:81`, 'sec-fetch-site': 'same-site' },
      { origin: origin.replace('http:', 'https:'), 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of foreign) {
      const answer = await post(PATH, { token, password: NEW_PASSWORD }, headers)
      expectRefusedPage(answer, 403)
      expect(answer.form).toBeNull()
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
    // An application of the tenant calls the API; it has no business with our forms.
    const ofApplication = { origin: 'https://app.good.test', 'sec-fetch-site': 'cross-site' }
    expectRefusedPage(await post(PATH, { token, password: NEW_PASSWORD }, ofApplication), 403)
    expect(await isUsed()).toBe(false)
  })

  test('from a sandboxed frame of an old browser, which says `Origin: null` and no more, is refused', async () => {
    const { ask, token, isUsed } = await newReader()
    const answer = await ask(PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'null' },
      body: `token=${token}&password=new+battery+staple`,
    })
    expectRefusedPage(answer, 403)
    expect(await isUsed()).toBe(false)
  })

  test('of another content type is refused with 415', async () => {
    const { post, token, isUsed } = await newReader()
    for (const type of [
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencodedx',
      'application/x-www-form-urlencoded, text/plain',
      'application/x-www-form-urlencoded; charset=latin1',
      'text/plain; application/x-www-form-urlencoded',
    ])
      expectRefusedPage(await post(PATH, { token, password: NEW_PASSWORD }, { 'content-type': type }), 415)
    expect(await isUsed()).toBe(false)
  })

  test('with a field twice, one too many, or one missing is refused with 422', async () => {
    const { post, token, isUsed } = await newReader()
    const password = encodeURIComponent(NEW_PASSWORD)
    for (const body of [
      '',
      `token=${token}`,
      `password=${password}`,
      `token=${token}&password=`,
      `token=&password=${password}`,
      `token=${token}&password=${password}&password=${password}`,
      `token=${token}&token=${token}&password=${password}`,
      `token=${token}&%74oken=${token}&password=${password}`,
      `token=${token}&password=${password}&email=a@b.test`,
      `token=${token}&password=${password}&roles=admin`,
      `token=${token}&password=${password}&__proto__=x`,
      `token[]=${token}&password=${password}`,
      `token=${token}&password=a%00b`,
      `token=${token}&password=${'a'.repeat(1025)}`,
    ])
      expectRefusedPage(await post(PATH, body), 422)
    expect(await isUsed()).toBe(false)
  })

  test('that is not UTF-8, or not percent-encoded, is refused with 400', async () => {
    const { post, ask, token, isUsed } = await newReader()
    for (const password of ['%ff%ff%ff%ff%ff%ff%ff%ff%ff', '%e2%82', '%zz', '%', '%ed%a0%80aaaaaaaa'])
      expectRefusedPage(await post(PATH, `token=${token}&password=${password}`), 400)
    const raw = await ask(PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.concat([Buffer.from(`token=${token}&password=aaaaaaaa`), Buffer.from([0xff, 0xfe])]),
    })
    expectRefusedPage(raw, 400)
    expect(await isUsed()).toBe(false)
  })

  test('of more than 16 KiB is refused with 413, declared or not, before it is read', async () => {
    const { post, token, client, isUsed } = await newReader()
    expectRefusedPage(await post(PATH, `token=${token}&password=${'a'.repeat(20_000)}`), 413)
    const head = [
      `POST ${PATH} HTTP/1.1`,
      `Host: ${client.tenant.host}`,
      'Content-Type: application/x-www-form-urlencoded',
    ].join('\r\n')
    expect(await sendUnfinished(service().url, `${head}\r\nContent-Length: 10485760\r\n\r\na`)).toBe(413)
    const chunk = `1000\r\n${'a'.repeat(4096)}\r\n` // never a last one
    const chunked = `${head}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(8)}`
    expect(await sendUnfinished(service().url, chunked)).toBe(413)
    expect(await isUsed()).toBe(false)
  })

  test('keeps a password exactly as it was typed', async () => {
    const { post, client, email, token } = await newReader()
    const password = ' +%20&=;ä漢字🔑 "\'<script>'
    expect((await post(PATH, { token, password })).status).toBe(200)
    expect((await client.login(email, password)).status).toBe(200)
  })
})

describe('hostile text in a form', () => {
  const hostile = '"><script>alert(1)</script><img src=x onerror=alert(1)>'

  test.each(PAGES)('comes back as no markup: $path', async ({ path }) => {
    const { post } = await newReader()
    for (const token of [hostile, `lko_${hostile}`, "' onfocus=alert(1) autofocus x='"]) {
      const { status, html, elements } = await post(path, {
        token,
        ...(path === PATH && { password: NEW_PASSWORD }),
      })
      expect(status).toBeOneOf([400, 422])
      expect(elements.map(({ tag }) => tag)).not.toContain('script')
      expect(html).not.toContain('alert(1)')
    }
  })
})
