/** What pressing the button of each page comes to: done, refused, or not now; and that it is the same as the API does. */

import { afterEach, describe, expect, test } from 'vitest'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { createBrowser, type Opened, PAGES } from '../support/browser.ts'
import { type Client, newClient, newEmail, PASSWORD, race, type Tokens } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()
const NEW_PASSWORD = 'new battery staple'

/** Someone who was mailed a link of this purpose, in the browser in which they asked for it. */
async function newReader(purpose: OneTimePurpose, language = 'en') {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  if (purpose === 'restore_account')
    await service().sql('update users set deleted_at = now() where id = $1', [tokens.user.id])
  const mailed = await client.plant(purpose, tokens)
  const headers = { cookie: mailed.cookie, 'accept-language': language }
  return { client, email, tokens, ...mailed, ...createBrowser(service(), client.tenant, { headers }) }
}

/** Of the two ways to prove an address, the one that works no matter who has registered it. */
const typedInto = (fields: readonly string[]) => {
  const typed = fields.includes('new_password') ? ['new_password'] : fields
  return Object.fromEntries(typed.map((field) => [field, /password/.test(field) ? NEW_PASSWORD : 'Ada']))
}

const isActive = async (client: Client, { access_token }: Tokens) =>
  (await client.me(access_token)).status === 200

async function stored(userId: string) {
  const [row] = await service().sql(
    `select email, email_verified_at is not null as verified, name, roles, deleted_at is null as open,
       exists (select from passwords where user_id = id) as has_password
     from users where id = $1`,
    [userId],
  )
  return row
}

function expectDone({ status, form, alert, elements, headers }: Opened): void {
  expect({ status, form, alert }).toEqual({ status: 200, form: null, alert: null })
  expect(elements.some(({ attributes }) => attributes.role === 'status')).toBe(true)
  expect(headers.get('cache-control')).toBe('no-store')
}

afterEach(() => {
  for (const gate of Object.values(service().gates)) gate.set('open')
})

describe('pressing the button', () => {
  test('proves an address with the password of the account, and everything stays', async () => {
    const { client, email, tokens, token, open, submit } = await newReader('verify_email')
    const page = await open(`/link/verify-email?token=${token}`)
    const done = await submit(page, { password: PASSWORD })
    expectDone(done)
    expect(done.headers.get('set-cookie'), 'it signs no one in').toBeNull()
    expect(await stored(tokens.user.id)).toMatchObject({ verified: true, has_password: true })
    expect(await isActive(client, tokens)).toBe(true)
    expect((await client.login(email)).status).toBe(200)
  })

  test('newcomer 16: proves an address with a new password: what was planted before is gone', async () => {
    const { client, email, tokens, token, open, submit } = await newReader('verify_email')
    const page = await open(`/link/verify-email?token=${token}`)
    expectDone(await submit(page, { new_password: NEW_PASSWORD }))
    expect(await stored(tokens.user.id)).toMatchObject({ verified: true, has_password: true })
    expect(await isActive(client, tokens)).toBe(false)
    expect((await client.login(email)).status).toBe(401)
    expect((await client.login(email, NEW_PASSWORD)).status).toBe(200)
  })

  test('newcomer 16: with neither password costs nothing: the page asks for one, and the link goes on', async () => {
    const { client, tokens, token, open, submit } = await newReader('verify_email')
    const page = await open(`/link/verify-email?token=${token}`)
    expect(await submit(page)).toMatchObject({ status: 422, alert: 'Enter a password.' })
    expect(await stored(tokens.user.id)).toMatchObject({ verified: false, has_password: true })
    expect(await isActive(client, tokens)).toBe(true)
    expectDone(await submit(page, { password: PASSWORD }))
  })

  test.each([
    ['whose address is proved', 'update users set email_verified_at = now() where id = $1'],
    ['without a password', 'delete from passwords where user_id = $1'],
  ])('newcomer 16: for an account %s the button is all there is', async (_, statement) => {
    const { tokens, token, open, submit } = await newReader('verify_email')
    await service().sql(statement, [tokens.user.id])
    const page = await open(`/link/verify-email?token=${token}`)
    expect(page.form?.fields).toEqual({ token })
    expectDone(await submit(page))
  })

  test('with a wrong password uses nothing up: the way back leads to the same form', async () => {
    const { tokens, token, open, submit } = await newReader('verify_email')
    const page = await open(`/link/verify-email?token=${token}`)
    const refused = await submit(page, { password: 'not the password' })
    expect(refused).toMatchObject({ status: 401, alert: 'The password is wrong.', form: null })
    expect(refused.text).toContain('Go back to the form')
    expect(refused.html).not.toMatch(/not the password|lko_/)
    expectDone(await submit(page, { password: PASSWORD }))
    expect(await stored(tokens.user.id)).toMatchObject({ verified: true, has_password: true })
  })

  test('sets a new password, and signs everyone out', async () => {
    const { client, email, tokens, token, open, submit } = await newReader('reset_password')
    const done = await submit(await open(`/link/reset-password?token=${token}`), { password: NEW_PASSWORD })
    expectDone(done)
    expect(done.headers.get('set-cookie')).toBeNull()
    expect(await isActive(client, tokens)).toBe(false)
    expect((await client.login(email)).status).toBe(401)
    expect((await client.login(email, NEW_PASSWORD)).status).toBe(200)
  })

  test.each([
    ['short', 'too short', 'zu kurz'],
    ['password', 'too easy to guess', 'zu leicht zu erraten'],
    ['€'.repeat(600), 'too long', 'zu lang'],
  ])(
    'with the password %.10s says what is wrong with it, in the language of the reader',
    async (password, english, german) => {
      const [en, de] = [await newReader('reset_password'), await newReader('reset_password', 'de')]
      for (const [{ token, open, submit }, says] of [
        [en, english],
        [de, german],
      ] as const) {
        const page = await open(`/link/reset-password?token=${token}`)
        const refused = await submit(page, { password })
        expect(refused.status).toBe(422)
        expect(refused.alert).toContain(says)
        expect(refused.html).not.toContain(token)
        expectDone(await submit(page, { password: NEW_PASSWORD }))
      }
    },
  )

  test('confirms a change of address: the first of the two waits, the second one changes it', async () => {
    const { client, tokens, open, submit } = await newReader('verify_email')
    const flowId = crypto.randomUUID()
    const subject = newEmail()
    const old = await client.plant('change_email_old', tokens, { flowId })
    const other = await client.plant('change_email_new', tokens, { flowId, subject })
    const first = await submit(await open(`/link/change-email?token=${old.token}`))
    expectDone(first)
    expect(first.text).toContain('The other address must confirm too')
    expect(await stored(tokens.user.id)).toMatchObject({ email: tokens.user.email })
    const second = await submit(await open(`/link/change-email?token=${other.token}`))
    expectDone(second)
    expect(second.heading).toBe('Email changed')
    expect(await stored(tokens.user.id)).toMatchObject({ email: subject, verified: true })
  })

  test('undoes a change of address', async () => {
    const { client, tokens, open, submit } = await newReader('verify_email')
    const subject = newEmail()
    const { token } = await client.plant('revert_email', tokens, { subject })
    expectDone(await submit(await open(`/link/revert-email?token=${token}`)))
    expect(await stored(tokens.user.id)).toMatchObject({ email: subject, has_password: false })
    expect(await isActive(client, tokens)).toBe(false)
  })

  test('of an undone change whose address has another account by now says so, and shows no form', async () => {
    const { client, tokens, open, submit } = await newReader('verify_email')
    const { email: subject, tokens: other } = await client.newAccount()
    await service().sql('update users set email_verified_at = now() where id = $1', [other.user.id])
    const { token } = await client.plant('revert_email', tokens, { subject })
    const refused = await submit(await open(`/link/revert-email?token=${token}`))
    expect(refused).toMatchObject({ status: 409, form: null })
    expect(refused.alert).toContain('Another account')
  })

  test('restores a closed account, without its password', async () => {
    const { client, email, tokens, token, open, submit } = await newReader('restore_account')
    expectDone(await submit(await open(`/link/restore-account?token=${token}`)))
    expect(await stored(tokens.user.id)).toMatchObject({ open: true, has_password: false })
    expect((await client.login(email)).status).toBe(401)
  })

  test('accepts an invitation', async () => {
    const { client, email, tokens, token, open, submit } = await newReader('invitation')
    const done = await submit(await open(`/link/accept-invitation?token=${token}`), {
      name: 'Ada Lovelace',
      password: NEW_PASSWORD,
    })
    expectDone(done)
    expect(await stored(tokens.user.id)).toMatchObject({ verified: true, name: 'Ada Lovelace' })
    expect((await client.login(email, NEW_PASSWORD)).status).toBe(200)
  })

  test('signs the browser in by cookies alone, and no token of the session is in the page', async () => {
    const { client, tokens, token, open, submit } = await newReader('sign_in')
    const done = await submit(await open(`/link/sign-in?token=${token}`))
    expectDone(done)
    const cookies = done.headers.getSetCookie()
    expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual([
      '__Host-latchkey',
      '__Host-latchkey-device',
      '__Host-latchkey-challenge',
    ])
    for (const cookie of cookies) expect(cookie).toMatch(/; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
    expect(done.html).not.toMatch(/eyJ|lkr_|lko_/)
    const refreshed = await client.call<Tokens>('/v1/refresh', {
      method: 'POST',
      headers: { cookie: cookies[0]?.split(';')[0] ?? '', 'sec-fetch-site': 'same-origin' },
    })
    expect(refreshed.body.user).toMatchObject({ id: tokens.user.id, email_verified: true })
  })

  test('in another browser signs no one in, and says where the link works', async () => {
    const { client, tokens, token } = await newReader('sign_in')
    const { plant } = client
    const { cookie } = await plant('verify_email', tokens) // of some other challenge
    for (const headers of [{}, { cookie }, { cookie: '__Host-latchkey-challenge=' }]) {
      const { open, submit } = createBrowser(service(), client.tenant, { headers })
      const refused = await submit(await open(`/link/sign-in?token=${token}`))
      expect(refused).toMatchObject({ status: 400, form: { action: '/link/request-sign-in' } })
      expect(refused.alert).toContain('in the browser where you requested it')
      expect(refused.headers.getSetCookie().filter((one) => one.startsWith('__Host-latchkey='))).toEqual([])
    }
  })

  test('of the page for a forgotten password says the same to everyone, and mails a link to an account', async () => {
    const { client, email, tokens } = await newReader('verify_email')
    const { open, submit } = createBrowser(service(), client.tenant)
    const page = await open('/link/forgot-password')
    const known = await submit(page, { email })
    const unknown = await submit(page, { email: newEmail() })
    expectDone(known)
    expect(unknown.html).toBe(known.html)
    const { token } = await client.mailed('reset_password', tokens)
    expect((await open(`/link/reset-password?token=${token}`)).status).toBe(200)
    const wrong = await submit(page, { email: 'nobody' })
    expect(wrong).toMatchObject({ status: 422, alert: 'Some fields are invalid.' })
  })
})

describe('newcomer 17: from a link that is over', () => {
  test('of an address a new one is asked for in place, and it proves the address', async () => {
    const { client, email, tokens, open, submit } = await newReader('verify_email')
    const { token } = await client.plant('verify_email', tokens, { expired: true })
    const over = await open(`/link/verify-email?token=${token}`)
    expect(over).toMatchObject({
      status: 400,
      heading: 'This link is no longer valid',
      form: { action: '/link/resend-verification', fields: { email: '' } },
    })
    expectDone(await submit(over, { email }))
    const next = await client.mailed('verify_email', tokens)
    expectDone(await submit(await open(`/link/verify-email?token=${next.token}`), { password: PASSWORD }))
  })

  test('of a forgotten password a new one is asked for in place', async () => {
    const { client, email, tokens, open, submit } = await newReader('reset_password')
    const { token } = await client.plant('reset_password', tokens, { consumed: true })
    expectDone(await submit(await open(`/link/reset-password?token=${token}`), { email }))
    const next = await client.mailed('reset_password', tokens)
    const page = await open(`/link/reset-password?token=${next.token}`)
    expectDone(await submit(page, { password: NEW_PASSWORD }))
  })

  test('of a sign-in a new one is asked for, in the browser that it will work in', async () => {
    const { client, email, tokens, open, submit } = await newReader('sign_in')
    const { token } = await client.plant('sign_in', tokens, { expired: true })
    const asked = await submit(await open(`/link/sign-in?token=${token}`), { email })
    expectDone(asked)
    const [cookie = ''] = (asked.headers.getSetCookie()[0] ?? '').split(';')
    const browser = createBrowser(service(), client.tenant, { headers: { cookie } })
    const next = await client.mailed('sign_in', tokens)
    const done = await browser.submit(await browser.open(`/link/sign-in?token=${next.token}`))
    expect(done.heading).toBe('You are signed in')
  })

  test.each(['/link/resend-verification', '/link/request-sign-in'])(
    'the form %s says the same of an address that no one has',
    async (path) => {
      const { email, open, submit } = await newReader('verify_email')
      const page = await open(path)
      const [known, unknown] = [await submit(page, { email }), await submit(page, { email: newEmail() })]
      expectDone(known)
      expect(unknown.html).toBe(known.html)
      const names = ({ headers }: Opened) => headers.getSetCookie().map((one) => one.replace(/=[^;]+/, ''))
      expect(names(unknown)).toEqual(names(known))
    },
  )
})

describe.each(PAGES)('$path', ({ path, purpose, fields }) => {
  test('is done once: of 20 at once one is, and the others hear that the link is over', async () => {
    const { token, open, submit } = await newReader(purpose)
    const page = await open(`${path}?token=${token}`)
    const answers = await race(20, () => submit(page, typedInto(fields)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const { status, heading, html, alert } of answers.filter((answer) => answer.status !== 200)) {
      expect({ status, heading }).toEqual({ status: 400, heading: 'This link is no longer valid' })
      expect(alert).toMatch(/was already used|works once/)
      expect(html).not.toContain(token)
    }
  })

  test('is done by no token of another purpose', async () => {
    for (const other of PAGES.filter((page) => page.path !== path)) {
      const { token, open, post } = await newReader(other.purpose)
      expect((await open(`${path}?token=${token}`)).status).toBe(400)
      const { status } = await post(path, { token, ...typedInto(fields) })
      expect({ other: other.purpose, status }).toEqual({ other: other.purpose, status: 400 })
    }
  })

  test('is done for no one on a host of another tenant', async () => {
    const { token, cookie } = await newReader(purpose)
    const elsewhere = createBrowser(service(), await service().newTenant(), { headers: { cookie } })
    expect((await elsewhere.open(`${path}?token=${token}`)).status).toBe(400)
    expect((await elsewhere.post(path, { token, ...typedInto(fields) })).status).toBe(400)
  })

  test('on a host that serves no tenant is a page with 421', async () => {
    const { client, token, cookie } = await newReader(purpose)
    const tenant = { ...client.tenant, origin: `http://${crypto.randomUUID()}.test` }
    const { open, post } = createBrowser(service(), tenant, { headers: { cookie } })
    for (const { status, form, heading } of [
      await open(`${path}?token=${token}`),
      await post(path, { token, ...typedInto(fields) }),
    ])
      expect({ status, form, heading }).toEqual({ status: 421, form: null, heading: 'Something went wrong' })
  })

  test('with PostgreSQL away is a page with 503, and the form works later', async () => {
    const { token, open, submit } = await newReader(purpose)
    const page = await open(`${path}?token=${token}`)
    const typed = typedInto(fields)
    service().gates.postgres.set('refusing')
    const away = await submit(page, typed)
    expect(away.status).toBe(503)
    expect(away.headers.get('retry-after')).toMatch(/^[1-5]$/)
    expect(away.alert).toBe('This did not work. Try again in a moment.')
    expect(away.text).toContain('Go back to the form')
    service().gates.postgres.set('open')
    expectDone(await submit(page, typed))
  })
})
