/** POST /v1/register in the mode `verify-first`: one answer for every address, and no account before its address is proved. */
import { describe, expect, test } from 'vitest'
import { attemptsAt, setFailures, WRONG } from '../support/attempts.ts'
import { type Client, countBy, createClient, newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { countRows } from '../support/count-rows.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { tokensOf } from '../support/one-time.ts'
import { recordedOf } from '../support/recorded.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'
import { expectRateLimited, inOneWindow } from '../support/windows.ts'

const service = useLentService()

const newVerifying = () => newClient(service(), { settings: { registration: 'verify-first' } })

const SENT = { status: 'verification_sent' }

async function userOf({ tenant }: Client, email: string) {
  const [row] = await service().sql<{
    id: string
    name: string | null
    verified: boolean
    passwords: number
    phc: string
  }>(
    `select id, name, email_verified_at is not null as verified,
       (select phc from passwords where user_id = users.id),
       (select count(*)::int from sessions where user_id = users.id) as sessions
     from users where tenant_id = $1 and email = $2 and deleted_at is null`,
    [tenant.id, email],
  )
  return row
}

const requireUser = async (client: Client, email: string) => {
  const user = await userOf(client, email)
  if (!user) throw new Error('there is no such account')
  return user
}

/** The link of a registration is opened, with the password or without. */
async function verify(client: Client, id: string, password?: string) {
  const { token } = await client.mailed('verify_email', { user: { id } as never })
  return client.call('/v1/email/verify', { json: { token, ...(password && { password }) } })
}

async function newProved() {
  const client = await newVerifying()
  const email = newEmail()
  await client.register(email)
  const { id } = await requireUser(client, email)
  expect((await verify(client, id, PASSWORD)).status).toBe(200)
  return { client, email, id }
}

describe('accepts', () => {
  test('makes an account that is no one until its address is proved', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const answer = await client.register(email, PASSWORD, { name: 'Ada', transport: 'cookie' })
    expect(answer).toMatchObject({ status: 202, body: SENT })
    expect(answer.body).toEqual(SENT)
    expectCommonHeaders(answer)
    expect(answer.headers.getSetCookie()).toEqual([expect.stringMatching(/^__Host-latchkey-registration=/)])
    const user = await requireUser(client, email)
    expect(user).toMatchObject({
      name: 'Ada',
      verified: false,
      sessions: 0,
      phc: expect.stringMatching(/^\$argon2id/),
    })
    expect(await tokensOf(service(), client.tenant)).toMatchObject([
      { user_id: user.id, purpose: 'verify_email', subject: email, consumed_at: null },
    ])
    expect(await countEvents(service(), user.id)).toEqual({
      'user.registered': 1,
      'email.verification_requested': 1,
    })
    expect((await verify(client, user.id, PASSWORD)).body).toEqual({ status: 'verified', password: 'kept' })
    expect((await client.login(email)).body.user).toMatchObject({ id: user.id, email_verified: true })
  })

  test('is what a tenant does that says nothing', async () => {
    const client = await newVerifying()
    await service().sql(`update tenants set settings = '{}' where id = $1`, [client.tenant.id])
    expect((await client.register()).body).toEqual(SENT)
  })

  test('answers the same for an address whose account is proved, and only its owner is told', async () => {
    const { client, email, id } = await newProved()
    const before = await requireUser(client, email)
    const { status, body } = await client.register(email, 'another battery staple', { name: 'Eve' })
    expect({ status, body }).toEqual({ status: 202, body: SENT })
    expect(await requireUser(client, email)).toEqual(before)
    expect(await recordedOf(service(), id, 'user.registered_again')).toEqual([{ actor: null, data: {} }])
    const [token, ...others] = await tokensOf(service(), client.tenant)
    expect(token?.consumed_at, 'no new link').not.toBeNull()
    expect(others).toEqual([])
    expect((await client.login(email)).status).toBe(200)
  })

  test('answers the same for an account that is yet to be proved: it keeps its password and the link it has', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await client.register(email)
    const before = await requireUser(client, email)
    const tokens = await tokensOf(service(), client.tenant)
    expect((await client.register(email, 'another battery staple', { name: 'Eve' })).body).toEqual(SENT)
    expect(await requireUser(client, email)).toEqual(before)
    expect(await tokensOf(service(), client.tenant)).toEqual(tokens)
    expect((await verify(client, before.id, PASSWORD)).body).toEqual({ status: 'verified', password: 'kept' })
    expectProblem(await client.login(email, 'another battery staple'), 'invalid_credentials')
  })

  test('mails a new link once the one before is half an hour old, so that no one can void them as fast as they come', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await client.register(email)
    const [first] = await tokensOf(service(), client.tenant)
    await service().sql(
      `update one_time_tokens set created_at = created_at - interval '30 minutes' where tenant_id = $1`,
      [client.tenant.id],
    )
    await race(10, () => client.register(email))
    const [second, ...others] = await tokensOf(service(), client.tenant)
    expect(others).toEqual([])
    expect(second?.id).not.toBe(first?.id)
    const asked = await service().sql(
      `select from events where type = 'email.verification_requested' and tenant_id = $1`,
      [client.tenant.id],
    )
    expect(asked).toHaveLength(2)
  })

  test('gives a closed account a successor that inherits nothing', async () => {
    const { client, email, id } = await newProved()
    await service().sql('update users set deleted_at = now() where id = $1', [id])
    expect((await client.register(email)).body).toEqual(SENT)
    const successor = await requireUser(client, email)
    expect(successor.id).not.toBe(id)
    expect(successor.verified).toBe(false)
  })

  test('answers the same for a disabled account, and does nothing', async () => {
    const { client, email, id } = await newProved()
    await service().sql(`update users set status = 'disabled' where id = $1`, [id])
    const before = await countRows(service(), client.tenant)
    expect((await client.register(email)).body).toEqual(SENT)
    expect(await countRows(service(), client.tenant)).toEqual(before)
  })
})

describe('a sign-in before the proof', () => {
  test('is refused with the right password exactly as with a wrong one and as without an account', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await client.register(email)
    const answers = [
      await client.login(email),
      await client.login(email, WRONG),
      await client.login(newEmail()),
    ]
    for (const answer of answers) expectProblem(answer, 'invalid_credentials')
    const [trips] = answers.map((answer) => answer.trips)
    for (const answer of answers) expect(answer.trips).toEqual(trips)
    expect(await attemptsAt(service(), { tenant: client.tenant, email })).toMatchObject({ failures: 2 })
    expect(await requireUser(client, email)).toMatchObject({ sessions: 0 })
  })

  test('counts its failures, and its registration forgets none: who asks cannot tell what it was (CASES H07)', async () => {
    const { client, email: known } = await newProved()
    const codes: string[] = []
    for (const email of [known, newEmail()]) {
      const at = { tenant: client.tenant, email }
      await setFailures(service(), at, 4)
      await client.login(email, WRONG)
      await client.register(email)
      const { status, body } = await client.login(email, WRONG)
      codes.push(
        `${status} ${JSON.stringify(await attemptsAt(service(), at))} ${'code' in body && body.code}`,
      )
    }
    expect(codes[0]).toBe(codes[1])
  })

  test('does not cost its owner the first sign-in after it, however often strangers tried before', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await setFailures(service(), { tenant: client.tenant, email }, 100)
    await client.register(email)
    const { id } = await requireUser(client, email)
    expect((await verify(client, id, PASSWORD)).status).toBe(200)
    expect((await client.login(email)).status).toBe(200)
  })
})

describe('a repeat with the same Idempotency-Key', () => {
  const registerAs = (client: Client, key: string) => (json: object) =>
    client.call('/v1/register', { json, headers: { 'idempotency-key': key } })

  test.each(['known', 'unknown'])(
    'gets the answer once more for an address that is %s, and makes nothing',
    async (which) => {
      const { client, email: taken } = await newProved()
      const email = which === 'known' ? taken : newEmail()
      const register = registerAs(client, crypto.randomUUID())
      const first = await register({ email, password: PASSWORD })
      const before = await countRows(service(), client.tenant)
      const second = await register({ email, password: PASSWORD })
      expect([first.status, second.status]).toEqual([202, 202])
      expect(second.body).toEqual(first.body)
      expect(await countRows(service(), client.tenant)).toEqual(before)
      for (const other of [
        { email, password: 'another battery staple' },
        { email, password: PASSWORD, name: 'Ada' },
        { email: newEmail(), password: PASSWORD },
      ])
        expectProblem(await register(other), 'idempotency_key_reused')
      expect(await countRows(service(), client.tenant)).toEqual(before)
    },
  )

  test('of 10 at once makes one account and mails it one link', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const register = registerAs(client, crypto.randomUUID())
    const answers = await race(10, () => register({ email, password: PASSWORD }))
    const { 202: taken = 0, 409: busy = 0 } = countBy(answers, ({ status }) => status)
    expect(taken + busy).toBe(10)
    expect(taken).toBeGreaterThan(0)
    const { id } = await requireUser(client, email)
    expect(await recordedOf(service(), id, 'email.verification_requested')).toHaveLength(1)
  })
})

describe('refuses', () => {
  test.each(['known', 'unknown'])(
    'what is wrong with the rest alone, for an address that is %s',
    async (which) => {
      const { client, email: taken } = await newProved()
      const email = which === 'known' ? taken : newEmail()
      const before = await countRows(service(), client.tenant)
      expectInvalidInput(await client.register(email, 'short'), { '/password': 'too_short' })
      expectProblem(await client.register(email, 'password'), 'password_compromised')
      expectProblem(await client.register(email, email), 'password_compromised')
      expectInvalidInput(await client.register(email, PASSWORD, { redirect: 'https://evil.test' }), {
        '/redirect': 'unknown_field',
      })
      expect(await countRows(service(), client.tenant)).toEqual(before)
    },
  )

  test('what a page of another origin sends', async () => {
    const client = await newVerifying()
    const before = await countRows(service(), client.tenant)
    const json = { email: newEmail(), password: PASSWORD }
    const headers = { origin: 'https://evil.test' }
    expectProblem(await client.call('/v1/register', { json, headers }), 'origin_not_allowed')
    expect(await countRows(service(), client.tenant)).toEqual(before)
  })

  test('more than a hundred an hour from one address, whether or not they are known', async () => {
    await inOneWindow(3600, async () => {
      const { client, email } = await newProved()
      const caller = createClient(service(), client.tenant)
      const attempt = (address: string) => caller.register(address, 'short')
      await race(100, () => attempt(newEmail()))
      for (const address of [email, newEmail()])
        expectRateLimited(await attempt(address), 'address', 100, 3600)
    })
  })
})

describe('attacks', () => {
  test('15 registrations of one address at once make one account with one password', async () => {
    const client = await newVerifying()
    const email = newEmail()
    const answers = await race(15, (index) => client.register(email, `${PASSWORD} ${index}`))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 202: 15 })
    const { id } = await requireUser(client, email)
    expect(await recordedOf(service(), id, 'user.registered')).toHaveLength(1)
    expect(await tokensOf(service(), client.tenant)).toHaveLength(1)
  })

  test('who registered first does not choose the password of the owner of the mailbox', async () => {
    const client = await newVerifying()
    const email = newEmail()
    await client.register(email, 'the password of Eve')
    await client.register(email, PASSWORD)
    const { id } = await requireUser(client, email)
    expectProblem(await verify(client, id, PASSWORD), 'invalid_credentials')
    expect((await verify(client, id)).body).toEqual({ status: 'verified', password: 'removed' })
    for (const password of [PASSWORD, 'the password of Eve'])
      expectProblem(await client.login(email, password), 'invalid_credentials')
  })
})
