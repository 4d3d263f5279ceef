/** How a product sends a person to the pages and gets them back: only where the tenant says, by a cookie or by a code. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newClient, PASSWORD } from '../support/client.ts'
import { useLentService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useLentService()
const BACK = 'https://elsewhere.test/back?a=b'
const verifier = randomBytes(32).toString('base64url')
const code_challenge = createHash('sha256').update(verifier).digest('base64url')

async function newPerson() {
  const redirect_uris = [BACK, 'com.example.app:/back', 'https://app.good.test/in']
  const client = await newClient(service(), {
    allowedOrigins: ['https://app.good.test'],
    settings: { registration: 'sign-in-at-once', redirect_uris },
  })
  const { email } = await client.newAccount()
  const signIn = { email, password: PASSWORD }
  return { client, email, signIn, ...createWalker(service(), client.tenant) }
}

const at = (path: string, asked: Record<string, string>) => `${path}?${new URLSearchParams(asked)}`
const EXCHANGED = { redirect_uri: BACK, code_challenge, app_state: 'x y' }

describe('a product elsewhere', () => {
  test('pages 4: gets a code in its own address, which is good once and with its verifier, and the state that it sent', async () => {
    const { client, email, open, submit, signIn } = await newPerson()
    const page = await open(at('/sign-in', { ...EXCHANGED, login_hint: email, ui_locales: 'tlh de' }))
    expect(page.heading).toBe('Anmelden')
    expect(page.html).toContain(`value="${email}"`)
    expect(page.headers.get('content-security-policy')).toContain(
      "form-action 'self' https://elsewhere.test;",
    )
    const back = await submit(page, signIn)
    expect(back.status).toBe(303)
    const location = new URL(back.headers.get('location') ?? '')
    expect(location.href.startsWith(`${BACK}&code=`)).toBe(true)
    expect(location.searchParams.get('app_state')).toBe('x y')
    const code = location.searchParams.get('code') ?? ''
    const exchange = (code_verifier: string) =>
      client.call('/v1/oauth/exchange', { json: { code, code_verifier } })
    expect((await exchange('A'.repeat(43))).status).toBe(401)
    const tokens = await exchange(verifier)
    expect(tokens).toMatchObject({ status: 200, body: { user: { email } } })
    expect((await exchange(verifier)).status).toBe(401)
  })

  test('pages 4: gets who is signed in already by one button, and a code of a session that ended is none', async () => {
    const { client, open, walk, submit, signIn, email } = await newPerson()
    await walk(await open('/sign-in'), signIn)
    const page = await open(at('/sign-in', EXCHANGED))
    expect(page).toMatchObject({ status: 200, heading: 'You are signed in' })
    expect(page.text).toContain(email)
    const back = await submit(page, {})
    expect(back.headers.get('location')).toMatch(/^https:\/\/elsewhere\.test\/back\?a=b&code=/)
    const again = await open(at('/sign-in', { ...EXCHANGED, prompt: 'login' }))
    expect(again.heading).toBe('Sign in')
    await service().sql(`update users set access_valid_from = clock_timestamp() where email = $1`, [email])
    const code = new URL(back.headers.get('location') ?? '').searchParams.get('code') ?? ''
    const late = await client.call('/v1/oauth/exchange', { json: { code, code_verifier: verifier } })
    expect(late.status).toBe(401)
  })

  test('pages 4: an app of its own scheme gets a code too', async () => {
    const { open, submit, signIn } = await newPerson()
    const page = await open(at('/sign-in', { ...EXCHANGED, redirect_uri: 'com.example.app:/back' }))
    expect(page.headers.get('content-security-policy')).toContain("form-action 'self' com.example.app:;")
    expect((await submit(page, signIn)).headers.get('location')).toMatch(/^com\.example\.app:\/back\?code=/)
  })
})

test('pages 4: a page of an origin that the tenant allows gets the person back without a code, and they have the cookie', async () => {
  const { open, submit, signIn, cookies } = await newPerson()
  const back = await submit(await open(at('/sign-in', { redirect_uri: 'https://app.good.test/in' })), signIn)
  expect(back.headers.get('location')).toBe('https://app.good.test/in')
  expect(cookies.get('__Host-latchkey')).toMatch(/^lkr_/)
})

test('pages 4: what the tenant does not list is 422 and leads nowhere, also where it is put into the form', async () => {
  const { open, post, submit, signIn, client } = await newPerson()
  const hostile = [
    `${BACK}/`,
    BACK.replace('https', 'http'),
    'https://elsewhere.test.evil.test/back?a=b',
    'https://elsewhere.test@evil.test/back?a=b',
    '//evil.test',
    '/\\evil.test',
    'https:evil.test',
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'https://evil.test/\r\nset-cookie: a=b',
    // As long as our own origin, and a page that we have.
    `https://${'e'.repeat(client.tenant.origin.length - 'https://'.length)}/account/close`,
    `${client.tenant.origin}/account/../v1/oauth/idp/start`,
    `${client.tenant.origin}/sign-out?a=/account`,
  ]
  for (const redirect_uri of hostile)
    for (const path of ['/sign-in', '/sign-up', '/sign-in/code']) {
      const page = await open(at(path, { redirect_uri, code_challenge }))
      expect({ redirect_uri, path, status: page.status }).toEqual({ redirect_uri, path, status: 422 })
      expect(page.headers.get('location')).toBeNull()
      expect(page.headers.get('content-security-policy')).toContain("form-action 'self';")
      // One way on: our own page, without what was asked.
      const ways = page.elements.filter(({ tag }) => tag === 'a' || tag === 'form')
      expect(ways.map(({ attributes: { href, action } }) => href ?? action)).toEqual(['/sign-in'])
    }
  expect((await open(at('/sign-in', { redirect_uri: BACK }))).status, 'no challenge').toBe(422)
  const page = await open('/sign-in')
  const token = page.form?.fields.form_token ?? ''
  for (const redirect_uri of hostile) {
    const sent = { ...signIn, form_token: token }
    const { status, headers } = await post(at('/sign-in', { redirect_uri, code_challenge }), sent)
    expect({ status, location: headers.get('location')?.split('?')[0] }).toEqual({
      status: 303,
      location: '/account',
    })
  }
  for (const return_to of [
    '//evil.test',
    '/account/../evil',
    'https://evil.test',
    '/sign-out',
    '/account/a/b',
  ])
    expect((await open(at('/sign-in', { return_to }))).status, return_to).toBe(422)
  expect((await submit(page, { email: signIn.email, password: 'wrong' })).status).toBe(401)
  expect(client.tenant).toBeDefined()
})
