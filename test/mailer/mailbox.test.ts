/** The local mailbox, and the service sending to it as `npm run dev` does; and a service that sends no mail at all. */

import { createHash } from 'node:crypto'
import http from 'node:http'
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Mailbox, type Message, startMailbox } from '../../dev/mailbox.ts'
import { newClient } from '../support/client.ts'
import { type Service, startService, type TestTenant, useService } from '../support/service.ts'

let mailbox: Mailbox

beforeAll(async () => {
  mailbox = await startMailbox()
})
afterAll(() => mailbox.stop())
afterEach(() => fetch(mailbox.endpoint, { method: 'DELETE' }))

const MAIL = {
  to: 'ada@example.net',
  from: 'Acme <no-reply@example.net>',
  subject: 'Subject',
  text: 'Text\n',
  html: '<p>HTML</p>',
  headers: { 'X-Entity-Ref-ID': 'event' },
}

const post = (body: unknown, key?: string, headers: Record<string, string> = {}) =>
  fetch(mailbox.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }), ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

async function list(to?: string): Promise<Message[]> {
  const response = await fetch(
    `${mailbox.endpoint}${to === undefined ? '' : `?to=${encodeURIComponent(to)}`}`,
  )
  const { data } = (await response.json()) as { data: Message[] }
  return data
}

describe('accepts', () => {
  test('a mail, and lists it as it came', async () => {
    const { id } = (await (await post(MAIL, 'key')).json()) as { id: string }
    expect(await list()).toEqual([{ id, ...MAIL, created_at: expect.stringMatching(/^\d{4}-.*Z$/) }])
  })

  test('newest first, and by recipient in any case', async () => {
    for (const n of [1, 2, 3]) await post({ ...MAIL, subject: `No ${n}` })
    await post({ ...MAIL, to: 'bob@example.net' })
    expect((await list('ADA@example.net')).map(({ subject }) => subject)).toEqual(['No 3', 'No 2', 'No 1'])
    expect(await list('nobody@example.net')).toEqual([])
    expect(await list('')).toEqual([])
  })

  test('the same key once, no matter who repeats it', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(MAIL, 'key')))
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { id: string }).id))
    expect(new Set(ids).size).toBe(1)
    expect(await list()).toHaveLength(1)
  })

  test('DELETE, and is empty', async () => {
    await post(MAIL)
    expect((await fetch(mailbox.endpoint, { method: 'DELETE' })).status).toBe(204)
    expect(await list()).toEqual([])
  })

  test('a thousand, and forgets the oldest', async () => {
    for (let n = 0; n < 1001; n++) await post({ ...MAIL, subject: `No ${n}` })
    const all = await list()
    expect(all).toHaveLength(1000)
    expect(all.at(-1)?.subject).toBe('No 1')
  })
})

describe('refuses', () => {
  const wrong: [string, object][] = [
    ['no recipient', { to: undefined }],
    ['two recipients', { to: 'a@example.net, b@example.net' }],
    ['a malformed address', { to: 'nobody' }],
    ['a malformed sender', { from: 'Acme <no-reply>' }],
    ['a sender with a line break', { from: 'Acme\r\nBcc: x <no-reply@example.net>' }],
    ['a sender’s name that needs quotes', { from: 'Acme, Inc <no-reply@example.net>' }],
    ['a subject with a line break', { subject: 'a\r\nBcc: x@example.net' }],
    ['a subject with a line separator', { subject: 'a\u2028b' }],
    ['an empty subject', { subject: '' }],
    ['no text part', { text: '' }],
    ['no HTML part', { html: undefined }],
    ['a header with a line break', { headers: { 'X-A': 'a\nBcc: x@example.net' } }],
    ['a header of no such name', { headers: { 'X A': 'a' } }],
    ['an unknown field', { bcc: 'x@example.net' }],
  ]
  test.each(wrong)('%s', async (_, change) => {
    const response = await post({ ...MAIL, ...change })
    expect(response.status).toBe(422)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status: 422, code: 'invalid_input' })
    expect(await list()).toEqual([])
  })

  test('another mail under a key that was used', async () => {
    await post(MAIL, 'key')
    const response = await post({ ...MAIL, subject: 'Another' }, 'key')
    expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
      status: 409,
      code: 'invalid_idempotent_request',
    })
  })

  test('what is no JSON, a form, and a key that is too long', async () => {
    expect((await post('{')).status).toBe(422)
    expect((await post(MAIL, undefined, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await post(MAIL, 'x'.repeat(257))).status).toBe(400)
  })

  test('unknown paths with 404 and other methods with 405', async () => {
    for (const path of ['/api', '/api/messages/1', '/constructor', '/__proto__'])
      expect((await fetch(`${mailbox.url}${path}`)).status).toBe(404)
    const answer = await fetch(mailbox.endpoint, { method: 'PUT' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE'])
    expect((await fetch(mailbox.url, { method: 'POST' })).status).toBe(405)
  })

  test('a page of the web that points its name at this machine', async () => {
    await post(MAIL)
    const status = await new Promise((resolve, reject) => {
      const request = http.get(mailbox.endpoint, { headers: { host: 'evil.example' } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      request.once('error', reject)
    })
    expect(status).toBe(421)
    expect((await fetch(mailbox.endpoint)).headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('the page', () => {
  const HOSTILE = '"></iframe></pre></details><script>alert(1)</script><img src=x onerror=alert(1)>&quot;'

  function flat(node: DefaultTreeAdapterTypes.Node): DefaultTreeAdapterTypes.Element[] {
    const children = 'childNodes' in node ? node.childNodes.flatMap(flat) : []
    return 'attrs' in node ? [node, ...children] : children
  }

  test('shows both parts; nothing in them runs, loads or leads anywhere', async () => {
    const mail = {
      ...MAIL,
      from: "Acme' onload=x <no-reply@example.net>",
      subject: HOSTILE,
      text: HOSTILE,
      html: HOSTILE,
      headers: { 'X-A': HOSTILE },
    }
    expect((await post(mail)).status).toBe(200)
    const response = await fetch(mailbox.url)
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    const page = await response.text()
    const elements = flat(parse(page))
    const script = /<script>(.*?)<\/script>\n<\/body>/s.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(script).digest('base64')
    expect(response.headers.get('content-security-policy')).toContain(`script-src 'sha256-${hash}';`)
    expect(script).not.toContain('alert')
    const count = (tag: string) => elements.filter(({ tagName }) => tagName === tag).length
    expect({ script: count('script'), img: count('img'), a: count('a'), iframe: count('iframe') }).toEqual({
      script: 1,
      img: 0,
      a: 0,
      iframe: 1,
    })
    const frame = elements.find(({ tagName }) => tagName === 'iframe')
    const attributes = Object.fromEntries((frame?.attrs ?? []).map(({ name, value }) => [name, value]))
    expect(attributes).toMatchObject({ sandbox: '', srcdoc: HOSTILE })
    const pre = elements.find(({ tagName }) => tagName === 'pre')
    expect(pre?.childNodes).toMatchObject([{ value: HOSTILE }])
  })

  test('newcomer 18: has links and codes by themselves, the newest mail first, and its time for the reader to read', async () => {
    const link = `http://localhost:8787/link/sign-in?token=lko_${'A'.repeat(43)}`
    await post({ ...MAIL, subject: 'Older', text: 'The year 202611 and http://other.test/ are neither.\n' })
    await post({ ...MAIL, subject: 'Newer', text: `Sign in:\n${link}\n\n123456\n` })
    const page = await (await fetch(mailbox.url)).text()
    expect(page.indexOf('Newer')).toBeLessThan(page.indexOf('Older'))
    expect([...page.matchAll(/<li><code>(.*?)<\/code>/g)].map(([, copied]) => copied)).toEqual([
      link,
      '123456',
    ])
    expect(page).toMatch(/<time datetime="\d{4}-\d\d-\d\dT[0-9:.]+Z">/)
  })

  test.each([
    [0, '0 messages'],
    [1, '1 message'],
    [2, '2 messages'],
  ])('newcomer 18: counts %d as “%s”', async (mails, said) => {
    for (let n = 0; n < mails; n++) await post(MAIL)
    const page = await (await fetch(mailbox.url)).text()
    expect(page).toContain(`<span id="count">${said}</span>, newest first`)
  })

  test('newcomer 18: is told of each mail and each clearing while it is open, and of none that is refused', async () => {
    const aborter = new AbortController()
    const response = await fetch(`${mailbox.url}/api/changes`, { signal: aborter.signal })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe(': open\n\n')
    await post({ ...MAIL, to: 'nobody' })
    await post(MAIL)
    expect((await reader?.read())?.value).toBe('data: changed\n\n')
    await fetch(mailbox.endpoint, { method: 'DELETE' })
    expect((await reader?.read())?.value).toBe('data: changed\n\n')
    aborter.abort()
  })
})

/** A password is switched off: an event that mails them. */
async function switchOff(service: Service, tenant: TestTenant, userId: string) {
  await service.sql(
    `insert into events (id, tenant_id, type, subject) values (gen_random_uuid(), $1, 'password.disabled', $2)`,
    [tenant.id, userId],
  )
  await service.consume()
}

describe('the service', () => {
  let service: Service
  beforeAll(async () => {
    const bindings = {
      MAIL_TRANSPORT: 'mailbox',
      MAIL_FROM: 'latchkey@example.net',
      MAIL_URL: mailbox.endpoint,
    }
    service = await startService({ bindings })
  })
  afterAll(() => service.stop())

  test('sends its mail there, in the language of the browser that registered', async () => {
    const client = await newClient(service)
    const { body } = await client.call<{ user: { id: string; email: string } }>('/v1/register', {
      json: { email: 'greta@example.org', password: 'correct horse battery', name: 'Greta <b>' },
      headers: { 'accept-language': 'fr;q=0.2, de-AT, en;q=0.8' },
    })
    // A name is said to an address that is proved, and to no other.
    await service.sql('update users set email_verified_at = now() where id = $1', [body.user.id])
    await switchOff(service, client.tenant, body.user.id)
    const [message, ...more] = await list(body.user.email)
    expect(more).toEqual([])
    expect(message).toMatchObject({
      from: `${client.tenant.name} <latchkey@example.net>`,
      subject: `Anmeldung mit Passwort bei ${client.tenant.name} gesperrt`,
    })
    expect(message?.text).toContain('Guten Tag Greta <b>,')
    expect(message?.html).toContain('Guten Tag Greta &lt;b&gt;,')
  })

  test.each([
    ['Acme "Sales" <sales@acme.example>', 'Acme Sales sales acme example'],
    ['Acme\r\nBcc: victim@acme.example', 'Acme Bcc victim acme example'],
    ['Müller, Söhne (Köln); Co.', 'Müller Söhne Köln Co'],
    ['"', ''],
  ])('gives a tenant called %j the sender’s name %j', async (name, sender) => {
    const client = await newClient(service)
    await service.sql('update tenants set name = $2 where id = $1', [client.tenant.id, name])
    const { email, tokens } = await client.signUp()
    await switchOff(service, client.tenant, tokens.user.id)
    expect((await list(email)).map(({ from }) => from)).toEqual([
      sender === '' ? 'latchkey@example.net' : `${sender} <latchkey@example.net>`,
    ])
  })
})

describe('a service without a transport', () => {
  const service = useService()

  test('drops its mail and says so, in the table and in one line', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await switchOff(service(), client.tenant, tokens.user.id)
    expect(
      await service().sql('select state, reason from mails where user_id = $1', [tokens.user.id]),
    ).toEqual([{ state: 'dropped', reason: 'not_configured' }])
    await service().runCron('* * * * *')
    expect(
      service()
        .logs()
        .filter((line) => line.includes('MAIL_TRANSPORT is none')),
    ).toHaveLength(1)
  })
})
