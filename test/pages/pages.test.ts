/** The pages that mailed links open: what they are, no matter who opens them, and that looking at one does nothing (CASES C12). */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { createBrowser, PAGES } from '../support/browser.ts'
import { createClient, newClient } from '../support/client.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { type Service, useLentService } from '../support/service.ts'

const service = useLentService()
type PageUnderTest = { path: string; purpose: OneTimePurpose | null; fields: readonly string[] }
const ALL: PageUnderTest[] = [
  ...PAGES,
  ...['/link/forgot-password', '/link/resend-verification', '/link/request-sign-in'].map((path) => ({
    path,
    purpose: null,
    fields: ['email'],
  })),
]
const each = ALL.map((page) => [page.path, page] as const)

/** Of the right form; no one was ever mailed it. */
function newToken(): string {
  return `lko_${randomBytes(32).toString('base64url')}`
}

const browserOf = async (headers: Record<string, string> = {}) =>
  createBrowser(service(), await service().newTenant(), { headers })

/** A page as its reader has it: with a link that is alive, where it is the page of one. */
async function readerOf({ path, purpose }: PageUnderTest) {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  const closed = purpose === 'restore_account'
  const mailed = purpose && (await client.plant(purpose, tokens, { closed }))
  const token = mailed?.token
  const url = token === undefined ? path : `${path}?token=${token}`
  const { open, ask } = createBrowser(service(), client.tenant)
  return { tenant: client.tenant, token, url, ask, open: (more = {}) => open(url, more) }
}

/** Everything in the tables, but for what any request may leave. */
async function dump({ sql }: Service): Promise<unknown> {
  const tables = await sql<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  )
  const digests: Record<string, unknown> = {}
  for (const { name } of tables) {
    const [row] = await sql(
      `select md5(coalesce(string_agg(t::text, E'\\n' order by t::text), '')) as rows from ${name} t`,
    )
    digests[name] = row?.rows
  }
  return digests
}

describe.each(each)('%s', (path, page) => {
  const { fields } = page
  const isProof = path === '/link/verify-email'

  test('is a page with one heading, one form that posts to itself, and a label for every field', async () => {
    const { open, token } = await readerOf(page)
    const { status, elements, form, heading } = await open()
    expect(status).toBe(200)
    const [html] = elements
    expect(html).toMatchObject({ tag: 'html', attributes: { lang: 'en' } })
    const named = (tag: string) => elements.filter((element) => element.tag === tag)
    expect(heading).toMatch(/\w/)
    for (const tag of ['h1', 'main', 'title']) expect(named(tag), tag).toHaveLength(1)
    for (const tag of ['form', 'button']) expect(named(tag), tag).toHaveLength(isProof ? 2 : 1)
    expect(elements).toContainEqual(
      expect.objectContaining({
        tag: 'meta',
        attributes: { name: 'viewport', content: 'width=device-width, initial-scale=1' },
      }),
    )
    expect(named('form')[0]?.attributes).toMatchObject({ method: 'post', action: path })
    const shown = named('input').filter(({ attributes }) => attributes.type !== 'hidden')
    expect(shown.map(({ attributes }) => attributes.name)).toEqual(fields)
    expect(named('label').map(({ attributes }) => attributes.for)).toEqual(
      shown.map(({ attributes }) => attributes.id),
    )
    for (const { attributes } of shown) expect(attributes.autocomplete).toMatch(/\w/)
    expect(form?.fields.token).toBe(token)
  })

  test('has no script, no address of anything else, and the token in one place', async () => {
    const { open, token } = await readerOf(page)
    const { html, elements } = await open()
    const tags = new Set(elements.map(({ tag }) => tag))
    for (const tag of ['script', 'link', 'img', 'iframe', 'object', 'embed', 'base', 'a'])
      expect(tags).not.toContain(tag)
    for (const { attributes } of elements)
      for (const [name, value] of Object.entries(attributes)) {
        expect(name).not.toMatch(/^on|^style$|href|src/)
        if (name === 'action') expect(value).toBe(path)
      }
    expect(html.split('lko_').length - 1).toBe(token === undefined ? 0 : isProof ? 2 : 1)
  })

  test('is kept by no one, tells no referrer, and allows its own style and its own form alone', async () => {
    const { open } = await readerOf(page)
    const { headers, html } = await open()
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('set-cookie')).toBeNull()
    const style = /<style>(.*?)<\/style>/s.exec(html)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
    )
  })

  test('is in German for a browser that prefers it, and in English for one that prefers what we do not have', async () => {
    const { open } = await readerOf(page)
    const [german, swiss, other] = await Promise.all(
      ['de', 'en;q=0.4, de-CH;q=0.9', 'tlh'].map((language) => open({ 'accept-language': language })),
    )
    expect(german?.elements[0]?.attributes).toEqual({ lang: 'de' })
    expect(german?.headers.get('content-language')).toBe('de')
    expect(swiss?.html).toBe(german?.html)
    expect(other?.elements[0]?.attributes).toEqual({ lang: 'en' })
    expect(german?.text).not.toBe(other?.text)
  })

  test('takes GET, HEAD and POST, and nothing else', async () => {
    const { ask, url } = await readerOf(page)
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await ask(url, { method })
      expect({ method, status, allow: headers.get('allow') }).toEqual({
        method,
        status: 405,
        allow: 'GET, HEAD, POST',
      })
    }
  })

  test('newcomer 17: costs one trip to PostgreSQL and none to Redis before its button is pressed', async () => {
    const { open } = await readerOf(page)
    const before = service().trips()
    expect((await open()).status).toBe(200)
    const { postgres, redis } = service().trips()
    expect({ postgres: postgres - before.postgres, redis: redis - before.redis }).toEqual({
      postgres: 1,
      redis: 0,
    })
  })

  test('newcomer 17: is headed with the name of the tenant, as text', async () => {
    const { open, tenant } = await readerOf(page)
    await service().sql('update tenants set name = $2 where id = $1', [tenant.id, '<b>Ada’s & Co</b>'])
    const { html, elements, heading } = await open()
    expect(html).toContain('<p class="tenant">&lt;b&gt;Ada’s &amp; Co&lt;/b&gt;</p>')
    expect(elements.map(({ tag }) => tag)).not.toContain('b')
    expect(html).toContain(`<title>${heading} – &lt;b&gt;Ada’s &amp; Co&lt;/b&gt;</title>`)
  })

  test('names no host, whichever the request names', async () => {
    const { open } = await readerOf(page)
    const own = await open()
    for (const headers of [
      { 'x-forwarded-host': 'evil.test' },
      { 'x-forwarded-proto': 'http', forwarded: 'host=evil.test' },
      { 'x-original-host': 'evil.test', 'x-rewrite-url': 'https://evil.test/' },
    ])
      expect((await open(headers)).html).toBe(own.html)
  })
})

describe('a mailed link', () => {
  test.each(PAGES)(
    '$path that is opened, fetched ahead and asked for by HEAD is as good as before',
    async ({ path, purpose }) => {
      const client = await newClient(service())
      const { tokens } = await client.newAccount()
      if (purpose === 'restore_account')
        await service().sql('update users set deleted_at = now() where id = $1', [tokens.user.id])
      const { token } = await client.plant(purpose, tokens)
      const browser = createBrowser(service(), client.tenant)
      const before = await dump(service())
      for (let time = 0; time < 3; time++) {
        await browser.open(`${path}?token=${token}`)
        await browser.open(`${path}?token=${token}`, {
          'sec-purpose': 'prefetch;prerender',
          purpose: 'prefetch',
        })
        await browser.open(`${path}?token=${token}`, {
          'user-agent': 'MailScanner/1.0',
          'sec-fetch-dest': 'image',
        })
        await browser.ask(`${path}?token=${token}`, { method: 'HEAD' })
      }
      expect(await dump(service())).toEqual(before)
    },
  )

  test.each(PAGES)(
    'newcomer 17: $path says that it is over before anything is typed, and the same of one that never was',
    async ({ path, purpose }) => {
      const client = await newClient(service())
      const { tokens } = await client.newAccount()
      const closed = purpose === 'restore_account'
      const { open } = createBrowser(service(), client.tenant)
      const shown = async (token: string) => {
        const { status, html, heading, form } = await open(`${path}?token=${token}`)
        expect({ status, heading }).toEqual({ status: 400, heading: 'This link is no longer valid' })
        expect(html).not.toContain(token)
        expect(form?.fields ?? {}).not.toHaveProperty('password')
        return html
      }
      const never = await shown(newToken())
      const used = await client.plant(purpose, tokens, { consumed: true, closed })
      expect(await shown(used.token)).toBe(never)
      const expired = await client.plant(purpose, tokens, { expired: true })
      expect(await shown(expired.token)).toBe(never)
      const older = await client.plant(purpose, tokens)
      const live = await client.plant(purpose, tokens)
      expect(await shown(older.token)).toBe(never)
      expect((await open(`${path}?token=${live.token}`)).status).toBe(200)
      await service().sql(`update users set status = 'disabled' where id = $1`, [tokens.user.id])
      expect(await shown(live.token)).toBe(never)
    },
  )

  test.each(PAGES)(
    '$path with what is no token is a page that says so, with 400, and repeats none of it',
    async ({ path }) => {
      const { open } = await browserOf()
      const token = newToken()
      const hostile = [
        '',
        '?token=',
        '?token=%00',
        `?token=${token}A`,
        `?token=${token.slice(0, -1)}`,
        `?token=${token.toUpperCase()}`,
        `?token=${token}&token=${token}`,
        '?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E',
        '?token=lko_%E0%A4%A',
        '?token=null',
        '?token[]=x',
        `?Token=${token}`,
        `?token=${'A'.repeat(5000)}`,
      ]
      for (const query of hostile) {
        const { status, html, elements, alert, form } = await open(`${path}${query}`)
        expect({ query, status }).toEqual({ query, status: 400 })
        expect(form?.fields ?? {}).not.toHaveProperty('token')
        expect(alert).toMatch(/was used|link/)
        expect(html).not.toMatch(/alert\(1\)|lko_/i)
        expect(elements.map(({ tag }) => tag)).not.toContain('script')
      }
    },
  )

  test('passes what a mail program adds to it', async () => {
    const { ask, url } = await readerOf({ path: '/link/verify-email', purpose: 'verify_email', fields: [] })
    const { status, html } = await ask(`${url}&utm_source=%22%3E%3Cscript%3E`)
    expect(status).toBe(200)
    expect(html).not.toContain('utm_source')
  })

  test('is a page of the Worker that has its operation, and of no other', async () => {
    const client = createClient(service(), await service().newTenant())
    expect((await client.call('/link/nothing')).status).toBe(404)
    expectCommonHeaders(await client.call('/link/verify-email/'))
  })
})
