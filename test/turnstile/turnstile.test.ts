/** Turnstile, where a tenant wants it: who has not passed signs up nowhere and has nothing mailed, by the API and on the pages. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newClient, newEmail, PASSWORD, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type Service, startService } from '../support/service.ts'
import { plantSiteKey, startTurnstile, type Turnstile } from '../support/turnstile.ts'
import { createWalker } from '../support/walker.ts'

let turnstile: Turnstile
let running: Service
const service = () => running

beforeAll(async () => {
  turnstile = await startTurnstile()
  running = await startService({
    bindings: { LIMITS_MULTIPLIER: '1000', TURNSTILE_VERIFY_URL: turnstile.url },
  })
}, 120_000)
afterAll(async () => {
  await running?.stop()
  await turnstile?.stop()
})

/** A tenant that wants it; made by its administrator. */
async function newWanting(whenUnreachable?: 'refuse' | 'pass') {
  const client = await newClient(service())
  const { tokens: admin } = await client.signUpAdmin()
  const account = await client.signUp()
  const widget = turnstile.newWidget()
  const { siteKey: site_key, secret } = widget
  const set = (turnstileOf: unknown, bearer = admin.access_token) =>
    client.call<Record<string, unknown>>('/v1/admin/tenant', {
      method: 'PATCH',
      bearer,
      json: { turnstile: turnstileOf },
    })
  const answer = await set({
    site_key,
    secret,
    ...(whenUnreachable && { when_unreachable: whenUnreachable }),
  })
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return { client, account, widget, set, answer, admin }
}
type Wanting = Awaited<ReturnType<typeof newWanting>>

/** The three that ask for it, each with what it leaves when it is done. */
const ASKING = {
  register: {
    call: ({ client }: Wanting, turnstile_token?: string) =>
      client.call<Tokens>('/v1/register', {
        json: { email: newEmail(), password: PASSWORD, ...(turnstile_token && { turnstile_token }) },
      }),
    done: 201,
    left: 'select id from users where tenant_id = $1',
    trips: { redis: 1, postgres: 2 },
  },
  forgotPassword: {
    call: ({ client, account }: Wanting, turnstile_token?: string) =>
      client.call('/v1/password/forgot', {
        json: { email: account.email, ...(turnstile_token && { turnstile_token }) },
      }),
    done: 202,
    left: `select id from one_time_tokens where tenant_id = $1 and purpose = 'reset_password'`,
    trips: { redis: 1, postgres: 2 },
  },
  requestSignInCode: {
    call: ({ client, account }: Wanting, turnstile_token?: string) =>
      client.call('/v1/email/code', {
        json: { email: account.email, ...(turnstile_token && { turnstile_token }) },
      }),
    done: 202,
    left: `select id from one_time_tokens where tenant_id = $1 and purpose = 'sign_in'`,
    trips: { redis: 1, postgres: 2 },
  },
} as const

describe.each(Object.entries(ASKING))('%s', (_, { call, done, left, trips }) => {
  const countLeft = async ({ client }: Wanting) => (await service().sql(left, [client.tenant.id])).length

  test('pages 22: is done with a token of the widget, once', async () => {
    const wanting = await newWanting()
    const before = await countLeft(wanting)
    const token = wanting.widget.pass()
    const answer = await call(wanting, token)
    expect(answer).toMatchObject({ status: done, trips })
    expect(await countLeft(wanting)).toBe(before + 1)
    expectProblem(await call(wanting, token), 'turnstile_failed')
    expect(await countLeft(wanting)).toBe(before + 1)
    // Of the caller nothing but their token is told.
    expect(wanting.widget.asked()[0]).toEqual({
      secret: wanting.widget.secret,
      token,
      fields: ['secret', 'response'],
    })
  })

  test('pages 22: without one, with one that is made up, too old or of another widget: refused, and nothing is left', async () => {
    const wanting = await newWanting()
    const before = await countLeft(wanting)
    expectProblem(await call(wanting), 'turnstile_failed')
    expect(wanting.widget.asked(), 'Cloudflare is not asked about none').toEqual([])
    for (const token of ['made up', wanting.widget.pass(301_000), turnstile.newWidget().pass()])
      expectProblem(await call(wanting, token), 'turnstile_failed')
    expect(await countLeft(wanting)).toBe(before)
  })

  test.each([
    'hangs',
    'cuts',
    'floods',
    'redirects',
    { status: 500, body: '' },
    { status: 502, body: '<html>' },
    { status: 200, body: '{"success":"true"}' },
    { status: 200, body: '[]' },
    { status: 200, body: '{"success":false,"error-codes":["internal-error"]}' },
    { status: 503, body: '{"success":true}' },
  ] as const)('pages 22: while Cloudflare %j: 503, unless the tenant lets them pass', async (behaviour) => {
    const refusing = await newWanting()
    const before = await countLeft(refusing)
    refusing.widget.behave(behaviour)
    expectProblem(await call(refusing, refusing.widget.pass()), 'upstream_unavailable')
    expect(await countLeft(refusing)).toBe(before)
    const passing = await newWanting('pass')
    passing.widget.behave(behaviour)
    expect((await call(passing, passing.widget.pass())).status).toBe(done)
    // Who has no token is no one whom Cloudflare failed.
    expectProblem(await call(passing), 'turnstile_failed')
  })

  test('pages 22: where our secret is not taken, no one passes, also not where the tenant lets them', async () => {
    const wanting = await newWanting('pass')
    const { siteKey: site_key } = wanting.widget
    await wanting
      .set({ site_key, secret: 'of no widget', when_unreachable: 'pass' })
      .then(({ status }) => expect(status).toBe(422))
    await wanting.set({ site_key, secret: 'of-no-widget', when_unreachable: 'pass' })
    expectProblem(await call(wanting, wanting.widget.pass()), 'upstream_unavailable')
  })

  test('pages 22: of 50 with one token one is done', async () => {
    const wanting = await newWanting()
    const before = await countLeft(wanting)
    const token = wanting.widget.pass()
    const answers = await race(50, () => call(wanting, token))
    expect(answers.filter(({ status }) => status === done)).toHaveLength(1)
    expect(await countLeft(wanting)).toBe(before + 1)
  })

  test('pages 22: a tenant that does not want it asks no one, in no trip more, and takes a token all the same', async () => {
    const wanting = await newWanting()
    expect((await wanting.set(null)).status).toBe(200)
    const plain = await call(wanting)
    expect(plain.status).toBe(done)
    expect(plain.trips.postgres).toBe(_ === 'register' ? 2 : 1)
    expect((await call(wanting, wanting.widget.pass())).status).toBe(done)
    expect(wanting.widget.asked()).toEqual([])
  })
})

describe('its settings', () => {
  test('pages 22: the secret is sealed, is in no answer and in no event, and goes with the widget', async () => {
    const { client, widget, set, answer, admin } = await newWanting('pass')
    expect(answer.body).toMatchObject({
      settings: {
        turnstile_site_key: { value: widget.siteKey, changeable: false },
        turnstile_unreachable: { value: 'pass', default: 'refuse' },
      },
    })
    const stored = async () =>
      (
        await service().sql<Record<string, string>>(
          'select to_jsonb(tenants)::text as all, turnstile_secret from tenants where id = $1',
          [client.tenant.id],
        )
      )[0]
    expect((await stored())?.all).not.toContain(widget.secret)
    expect((await stored())?.turnstile_secret).toMatch(/^k\d+\./)
    const read = await client.call('/v1/admin/tenant', { bearer: admin.access_token })
    expect(JSON.stringify([answer.body, read.body])).not.toContain(widget.secret)
    const events = await service().sql('select * from events where tenant_id = $1', [client.tenant.id])
    expect(JSON.stringify(events)).not.toContain(widget.secret)
    expect(JSON.stringify(events)).toContain('turnstile')
    expect((await set(null)).body).toMatchObject({ settings: { turnstile_site_key: { value: null } } })
    expect((await stored())?.turnstile_secret).toBeNull()
  })

  test('pages 22: they cannot be set one without the other, nor to what is none, nor by who may not', async () => {
    const { client, set, account, widget, admin } = await newWanting()
    const { siteKey: site_key, secret } = widget
    for (const wrong of [{}, { site_key }, { secret }, { site_key: 'a b', secret }, { site_key: '', secret }])
      expectProblem(await set(wrong), 'invalid_input')
    expectProblem(await set({ site_key, secret, when_unreachable: 'always' }), 'invalid_input')
    expectProblem(await set(null, account.tokens.access_token), 'insufficient_role')
    const apart = await client.call('/v1/admin/tenant', {
      method: 'PATCH',
      bearer: admin.access_token,
      json: { settings: { turnstile_site_key: site_key } },
    })
    expectProblem(apart, 'invalid_input')
  })

  test('pages 22: a key without its secret, as an operator may have left it, lets no one in', async () => {
    const client = await newClient(service())
    await plantSiteKey(service(), client.tenant, '0x4AAA')
    const json = { email: newEmail(), password: PASSWORD }
    expectProblem(await client.call('/v1/register', { json }), 'turnstile_failed')
    const answer = await client.call('/v1/register', { json: { ...json, turnstile_token: 'any' } })
    expect(answer.status).toBe(500)
  })
})

describe('its pages', () => {
  const PAGES = ['/sign-up', '/sign-in/code', '/link/forgot-password', '/link/request-sign-in']
  const OTHERS = ['/sign-in', '/link/resend-verification']

  test('pages 22: have the widget, whose script and frame are allowed there, for this tenant, and nowhere else', async () => {
    const { client, widget } = await newWanting()
    const { open } = createWalker(service(), client.tenant)
    for (const path of PAGES) {
      const { elements, headers, text } = await open(path)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy, path).toMatch(/script-src ('sha256-[^']+' )?https:\/\/challenges\.cloudflare\.com;/)
      expect(policy, path).toContain('frame-src https://challenges.cloudflare.com;')
      expect(policy).not.toMatch(/unsafe|\*|nonce/)
      const [shown] = elements.filter(({ attributes }) => attributes.class === 'cf-turnstile')
      expect(shown?.attributes).toMatchObject({
        'data-sitekey': widget.siteKey,
        'data-response-field-name': 'turnstile_token',
      })
      const scripts = elements.flatMap(({ tag, attributes }) =>
        tag === 'script' && attributes.src ? [attributes.src] : [],
      )
      expect(scripts).toEqual(['https://challenges.cloudflare.com/turnstile/v0/api.js'])
      expect(text).toContain('This form needs JavaScript')
    }
    for (const path of OTHERS) expect((await open(path)).html, path).not.toContain('cloudflare')
    const other = createWalker(service(), (await newClient(service())).tenant)
    for (const path of PAGES) {
      const { html, headers } = await other.open(path)
      expect(html + headers.get('content-security-policy'), path).not.toContain('cloudflare')
    }
  })

  test('pages 22: a person who passed signs up; who did not is told so, with what they typed, and a new widget', async () => {
    const { client, widget } = await newWanting()
    const { open, submit, walk } = createWalker(service(), client.tenant)
    const typed = { email: newEmail(), password: PASSWORD }
    const page = await open('/sign-up')
    const refused = await submit(page, typed)
    expect(refused).toMatchObject({ status: 403, heading: 'Create your account' })
    expect(refused.alert).toContain('We could not check that you are a person.')
    expect(refused.html).toContain(typed.email)
    expect(refused.html).toContain('cf-turnstile')
    const done = await walk(refused, { ...typed, turnstile_token: widget.pass() })
    expect(done.heading).toBe('Your account')
  })

  test('pages 22: who asks for a link without having passed is led to the page that has the widget', async () => {
    const { client, widget, account } = await newWanting()
    const { open, submit } = createWalker(service(), client.tenant)
    const refused = await submit(await open('/link/forgot-password'), { email: account.email })
    expect(refused.status).toBe(403)
    expect(refused.html).toContain('href="/link/forgot-password"')
    const over = await open(`/link/reset-password?token=lko_${'A'.repeat(43)}`)
    expect(over.status).toBe(400)
    const sent = await submit(await open('/link/forgot-password'), {
      email: account.email,
      turnstile_token: widget.pass(),
    })
    expect(sent).toMatchObject({ status: 200, heading: 'Check your email' })
  })
})
