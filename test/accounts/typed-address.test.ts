/** An address as people type and paste it, with blanks around it: the same account, in every operation and form that takes one. */
import { describe, expect, test } from 'vitest'
import { createBrowser } from '../support/browser.ts'
import { type Account, type Client, newClient, newEmail } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const BLANKS: [string, string, string][] = [
  ['ASCII blanks', ' ', '  '],
  ['a tab and a line break', '\t', '\r\n'],
  ['U+00A0', '\u00a0', '\u00a0'],
  ['U+200B', '\u200b', '\u200b'],
  ['U+FEFF', '\ufeff', ''],
  ['other white space of Unicode, and what has no width', '\u3000\u2009', '\u2028\u2060\u200d\u180e'],
]

type Blanks = (typeof BLANKS)[number]
const around = ([, before, after]: Blanks, email: string) => `${before}${email}${after}`

/** Every operation that takes the address of an account; `purpose` is that of the token it then mails. */
const ASKING = [
  ['/v1/password/forgot', 'reset_password'],
  ['/v1/email/resend', 'verify_email'],
  ['/v1/email/code', 'sign_in'],
] as const

const tokensOf = (email: string, purpose: string) =>
  service().sql('select user_id from one_time_tokens where subject = $1 and purpose = $2', [email, purpose])

async function newPerson(): Promise<Account & { client: Client }> {
  const client = await newClient(service())
  return { client, ...(await client.signUp()) }
}

describe.each(BLANKS)('clients 10: %s around an address', (...blanks) => {
  test('register and sign in to one account, without the blanks', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const { status, body } = await client.register(around(blanks, email))
    expect({ status, email: body.user?.email }).toEqual({ status: 201, email })
    expectProblem(await client.register(email), 'email_taken')
    for (const typed of [email, around(blanks, email), around(blanks, email.toUpperCase())])
      expect((await client.login(typed)).body.user).toEqual(body.user)
  })

  test.each(ASKING)('ask %s for the account', async (path, purpose) => {
    const { client, email, tokens } = await newPerson()
    const { status } = await client.call(path, { json: { email: around(blanks, email) } })
    expect(status).toBe(202)
    expect(await tokensOf(email, purpose)).toEqual([{ user_id: tokens.user.id }])
  })

  test('sign in by a code that was mailed, which may have blanks around it too', async () => {
    const { client, email, tokens } = await newPerson()
    await client.call('/v1/email/code', { json: { email } })
    const { code } = await client.mailed('sign_in', tokens)
    const json = { email: around(blanks, email), code: around(blanks, code) }
    const { status, body } = await client.call('/v1/email/code/verify', { json })
    expect({ status, user: body.user }).toMatchObject({ status: 200, user: { id: tokens.user.id } })
  })

  test('are no part of the address that an account changes to, nor of one that is invited', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUpAdmin()
    const [next, invited] = [newEmail(), newEmail()]
    const bearer = tokens.access_token
    const changed = await client.call('/v1/email/change', { json: { email: around(blanks, next) }, bearer })
    expect(changed.status).toBe(202)
    const rows = await service().sql(
      `select distinct subject from one_time_tokens where user_id = $1 and purpose = 'change_email_new'`,
      [tokens.user.id],
    )
    expect(rows).toEqual([{ subject: next }])
    const json = { email: around(blanks, invited) }
    expect((await client.call('/v1/admin/invitations', { json, bearer })).status).toBe(202)
    expect(await tokensOf(invited, 'invitation')).toHaveLength(1)
  })

  test('are taken away by the form for a forgotten password', async () => {
    const { client, email, tokens } = await newPerson()
    const { open, submit } = createBrowser(service(), client.tenant)
    const form = await open('/link/forgot-password')
    expect((await submit(form, { email: around(blanks, email) })).status).toBe(200)
    expect(await tokensOf(email, 'reset_password')).toEqual([{ user_id: tokens.user.id }])
  })

  test('make no difference between two of one name, and a name of blanks alone is none', async () => {
    const client = await newClient(service())
    const { body } = await client.register(newEmail(), undefined, { name: around(blanks, 'Ada L.') })
    expect(body.user.name).toBe('Ada L.')
    expectProblem(await client.register(newEmail(), undefined, { name: around(blanks, '') }), 'invalid_input')
  })

  test('stay in a password, byte for byte', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const password = around(blanks, 'battery horse staple')
    expect((await client.register(email, password)).status).toBe(201)
    expect((await client.login(email, password)).status).toBe(200)
    expectProblem(await client.login(email, 'battery horse staple'), 'invalid_credentials')
  })
})

test('clients 10: the page lets a browser send what it would call no address, and a phone shows the keys for one', async () => {
  const { open } = createBrowser(service(), await service().newTenant())
  const { elements } = await open('/link/forgot-password')
  const input = elements.find(({ attributes }) => attributes.name === 'email')
  expect(input?.attributes).toMatchObject({
    type: 'text',
    inputmode: 'email',
    autocomplete: 'username',
    autocapitalize: 'none',
  })
})
