/** The pages that people sign in with and keep their account on: what each of them is, and what its form demands. */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { EVERY_OPERATION, type OperationUnderTest } from '../operations.ts'
import { createBrowser } from '../support/browser.ts'
import { type Answer, newClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import { attemptSignIn } from '../support/passkeys.ts'
import { PLANTED_RETURN } from '../support/planted-social.ts'
import { type TestTenant, useLentService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useLentService()
const HOSTED = EVERY_OPERATION.filter(
  ({ isPage, path }) => isPage && !path.startsWith('/link/') && path !== '/',
)
const each = HOSTED.map((operation) => [operation.name, operation] as const)
const shown = each.filter(([, { method }]) => method === 'GET')
const forms = each.filter(([, { method }]) => method === 'POST')

async function newCaller({ path }: { path: string } = { path: '' }) {
  const client = await newClient(service())
  const { email, tokens } = await (path.startsWith('/console') ? client.newAdmin() : client.newAccount())
  return { client, email, tokens }
}

const isOwn = ({ path }: OperationUnderTest) => /^\/(account|console|step-up|sign-out|continue)/.test(path)
const cookieOf = ({ refresh_token }: Tokens) => `__Host-latchkey=${refresh_token}`

/** A browser that keeps cookies and follows redirects, as a person's does. */
async function walker(tenant: TestTenant) {
  return createWalker(service(), tenant)
}

// The first ceremony sends its scripts to Redis, once for the life of that Redis.
beforeAll(async () => {
  const first = await newCaller()
  await attemptSignIn(first.client, (await first.client.plantedPasskey(first.tokens)).passkey)
})

test.each(each)('pages 2: %s keeps to its budget of trips', async (_, operation) => {
  const { client, tokens } = await newCaller(operation)
  await client.me(tokens.access_token) // which leaves at the edge what verifies tokens
  const call = await operation.prepare(client, tokens)
  const { status, trips } = await call()
  expect(status).toBeLessThan(400)
  const { redis, postgres } = operation.budget
  expect(trips).toEqual({ redis, postgres })
})

describe.each(shown)('%s', (_, operation) => {
  test('pages 1: is kept by no cache, told to no one, framed by no one, and runs our own style and script alone', async () => {
    const { client, tokens } = await newCaller(operation)
    const headers = isOwn(operation) ? { cookie: cookieOf(tokens) } : {}
    const answer = operation.path.includes(':')
      ? ((await operation.call(client, tokens)) as Answer<string>) // a page
      : await client.call<string>(operation.path, { headers })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(answer.headers.get('strict-transport-security')).toMatch(/max-age=/)
    if (answer.status === 303) return
    expect(answer.status).toBe(200)
    const textOf = (tag: string) => new RegExp(`<${tag}>(.*?)</${tag}>`, 's').exec(answer.body)?.[1] ?? ''
    const hashOf = (tag: string) => createHash('sha256').update(textOf(tag)).digest('base64')
    expect(answer.headers.get('content-security-policy')).toBe(
      [
        "default-src 'none'",
        `style-src 'sha256-${hashOf('style')}'`,
        `script-src 'sha256-${hashOf('script')}'`,
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
      ].join('; '),
    )
    // A page of the console shows addresses, as text.
    expect(answer.body).not.toMatch(/ on\w+=| style=|javascript:|="(https?:)?\/\//)
    expect(answer.body).toMatch(/<h1>[^<]+</)
    for (const tag of ['style', 'script']) expect(gzipSync(textOf(tag)).length).toBeLessThan(15 * 1024)
  })
})

describe.each(forms)('%s', (_, operation) => {
  test('pages 1: another page, and a form without the token of this browser and person, do nothing', async () => {
    const { client, email, tokens } = await newCaller(operation)
    const { fields, headers } = await client.pageForm(isOwn(operation) ? tokens : null)
    const stranger = await client.pageForm(isOwn(operation) ? (await client.newAccount()).tokens : null)
    const browser = createBrowser(service(), client.tenant, { headers })
    await client.plantedSocial.provider() // which lists where `/continue` leads
    const at =
      operation.path === '/continue'
        ? `/continue?redirect_uri=${PLANTED_RETURN}&code_challenge=${'A'.repeat(43)}`
        : operation.path
    const input: Record<string, string> = Object.fromEntries(
      Object.entries(operation.input(tokens)).map(([name, value]) => [name, String(value)]),
    )
    const before = await service().sql('select count(*) from events')
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    expect((await browser.post(at, { ...input, ...fields }, foreign)).status).toBe(403)
    for (const form_token of ['', 'x', stranger.fields.form_token]) {
      const { status, text } = await browser.post(at, { ...input, form_token })
      expect({ form_token, status }).toEqual({ form_token, status: 403 })
      expect(text).toContain('This page was open for too long')
    }
    expect(await service().sql('select count(*) from events')).toEqual(before)
    expect(email).toBeDefined()
  })
})

describe('signing in', () => {
  test('pages 1: a person signs up, signs out and signs in, without a script', async () => {
    const client = await newClient(service())
    const { open, walk, cookies } = await walker(client.tenant)
    const email = newEmail()
    const signedUp = await walk(await open('/sign-up'), { email, password: PASSWORD, name: 'Ada' })
    expect(signedUp).toMatchObject({ status: 200, heading: 'Your account' })
    expect(signedUp.text).toContain(email)
    expect(cookies.get('__Host-latchkey')).toMatch(/^lkr_/)
    const out = await walk(signedUp, {}, '/sign-out')
    expect(out.heading).toBe('You are signed out')
    expect(out.headers.get('clear-site-data')).toBe('"cache", "storage"')
    expect((await open('/account')).heading).toBe('Sign in')
    const signedIn = await walk(await open('/sign-in'), { email, password: PASSWORD })
    expect(signedIn.heading).toBe('Your account')
  })

  test('pages 1: what is wrong is a sentence beside its field, which has the focus; what was typed stays, the password does not', async () => {
    const client = await newClient(service())
    const { open, submit } = await walker(client.tenant)
    const wrong = await submit(await open('/sign-up'), { email: 'nobody', password: 'short' })
    expect(wrong.status).toBe(422)
    const input = (name: string) =>
      wrong.elements.find(({ attributes }) => attributes.name === name)?.attributes
    expect(input('email')).toMatchObject({
      value: 'nobody',
      'aria-invalid': 'true',
      'aria-describedby': 'email-error',
      autofocus: '',
    })
    expect(wrong.text).toContain('Enter an email address such as name@example.com.')
    const short = await submit(await open('/sign-up'), { email: newEmail(), password: 'short' })
    expect(short.text).toContain('This is too short.')
    expect(short.html).not.toContain('value="short"')
    const bad = await submit(await open('/sign-in'), { email: newEmail(), password: 'not the password' })
    expect(bad).toMatchObject({ status: 401, alert: 'The email or the password is wrong.' })
  })
})
