/** Creating an account for a person: what it has and has not, and that no field gives more than is meant. */
import { describe, expect, test } from 'vitest'
import { eventsAbout, newOffice, type Office } from '../support/administration.ts'
import { countBy, newEmail, PASSWORD, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'createUser')

const create = ({ client, tokens }: Office, json: unknown, headers: Record<string, string> = {}) =>
  client.call('/v1/admin/users', { json, bearer: tokens.access_token, headers })

const accountsOf = (email: string) =>
  service().sql<{ id: string }>(
    `select id, roles, email_verified_at is not null as is_proved, status,
       exists (select from passwords where user_id = users.id) as has_password from users where email = $1`,
    [email],
  )

describe('accepts', () => {
  test('admin 3: makes an account that nothing opens yet, and says who made it', async () => {
    const office = await newOffice(service())
    const email = newEmail()
    const answer = await create(office, {
      email: email.toUpperCase(),
      name: 'Ada',
      locale: 'de',
      reason: 'new',
    })
    const { id } = answer.body as { id: string }
    expect(answer).toMatchObject({ status: 201, trips: { postgres: 1, redis: 1 } })
    expect(answer.body).toEqual({ id, email, email_verified: false, name: 'Ada', roles: [] })
    expect(await accountsOf(email)).toEqual([
      { id, roles: [], is_proved: false, status: 'active', has_password: false },
    ])
    expect(await eventsAbout(service(), id)).toEqual([
      { type: 'user.created', actor: office.tokens.user.id, data: { reason: 'new' } },
    ])
    for (const password of [PASSWORD, 'null', ''])
      expect((await office.client.login(email, password)).status).not.toBe(200)
    expect((await office.read(`/v1/admin/users/${id}`)).body).toMatchObject({ id, email, locale: 'de' })
  })

  test('admin 3: one whose address the administrator knows has its roles at once, and its owner resets the password', async () => {
    const office = await newOffice(service())
    const email = newEmail()
    const { body } = await create(office, { email, email_verified: true, roles: ['editor', 'editor'] })
    expect(body).toMatchObject({ email_verified: true, roles: ['editor'] })
    const user = { ...body, email } as Office['tokens']['user']
    await office.client.call('/v1/password/forgot', { json: { email } })
    const { token } = await office.client.mailed('reset_password', { user })
    await office.client.call('/v1/password/reset', { json: { token, password: PASSWORD } })
    expect((await office.client.login(email)).body.user).toMatchObject({ id: user.id, roles: ['editor'] })
  })

  test('is made once for one Idempotency-Key, and says the same again', async () => {
    const office = await newOffice(service())
    const email = newEmail()
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const first = await create(office, { email }, headers)
    const again = await create(office, { email }, headers)
    expect(again).toMatchObject({ status: 201, body: first.body })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expectProblem(await create(office, { email: newEmail() }, headers), 'idempotency_key_reused')
    expect(await accountsOf(email)).toHaveLength(1)
  })
})

describe('refuses', () => {
  test('an address that has an account, of 50 at the same time all but one', async () => {
    const office = await newOffice(service())
    const email = newEmail()
    const answers = await race(50, () => create(office, { email }))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 201: 1, 409: 49 })
    expect(await accountsOf(email)).toHaveLength(1)
    expectProblem(await create(office, { email }), 'email_taken')
  })

  test('roles for an address that is not verified: who proves it may be another person', async () => {
    const office = await newOffice(service())
    const email = newEmail()
    expectInvalidInput(await create(office, { email, roles: ['admin'] }), { '/roles': 'email_not_verified' })
    expect(await accountsOf(email)).toEqual([])
  })
})

describe('attacks', () => {
  test.each<[string, unknown]>([
    ['id', 'role:admin'],
    ['id', '01922c3e-7a51-7c4e-9f0a-3b6d5c8e2f10'],
    ['tenant_id', '01922c3e-7a51-7c4e-9f0a-3b6d5c8e2f10'],
    ['password', PASSWORD],
    ['password_hash', '$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaA'],
    ['status', 'active'],
    ['mfa', false],
    ['banned', false],
    ['created_at', '2020-01-01T00:00:00Z'],
    ['permissions', ['*']],
    ['plan', 'enterprise'],
    ['email_verified_at', '2020-01-01T00:00:00Z'],
    ['deleted_at', null],
  ])('K01, K02: a field that no one may choose (%s) is refused, and nothing is made', async (name, value) => {
    const office = await newOffice(service())
    const email = newEmail()
    expectInvalidInput(await create(office, { email, [name]: value }), { [`/${name}`]: 'unknown_field' })
    expect(await accountsOf(email)).toEqual([])
  })

  test('K05: the same address in two tenants is two accounts', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const email = newEmail()
    const [one, other] = [await create(mine, { email }), await create(theirs, { email })]
    expect([one.status, other.status]).toEqual([201, 201])
    expect(one.body.id).not.toBe(other.body.id)
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const json = { email: newEmail() }
    const answers = [await create(mine, json, headers), await create(theirs, json, headers)]
    expect(new Set(answers.map(({ body }) => body.id)).size, 'nor does a key cross').toBe(2)
  })
})
