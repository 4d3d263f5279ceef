/** Inviting someone: who may, that no one learns from it who has an account, and what it leaves in the tables and the mail. */
import { describe, expect, test } from 'vitest'
import {
  type Answer,
  type CallOptions,
  type Client,
  newClient,
  newEmail,
  PASSWORD,
  race,
  type Tokens,
} from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { type Row, useLentService } from '../support/service.ts'

const service = useLentService()
const PATH = '/v1/admin/invitations'

everyRoute(service, {
  method: 'POST',
  path: PATH,
  allow: 'POST',
  caller: 'admin',
  json: { email: 'invited@example.com', name: 'Ada' },
  optional: ['roles'],
})

type Admin = { client: Client; tokens: Tokens; invite: Invite }
type Invite = (json: Row, options?: CallOptions) => Promise<Answer>

async function newAdmin(): Promise<Admin> {
  const client = await newClient(service())
  const { tokens } = await client.newAdmin()
  const invite: Invite = (json, options = {}) =>
    client.call(PATH, { json, bearer: tokens.access_token, ...options })
  return { client, tokens, invite }
}

async function accountOf({ tenant }: Client, email: string): Promise<Row & { id: string }> {
  const rows = await service().sql<Row & { id: string }>(
    `select id, email, name, roles, email_verified_at, status,
       exists (select from passwords where user_id = users.id) as has_password
     from users where tenant_id = $1 and email = $2`,
    [tenant.id, email],
  )
  expect(rows).toHaveLength(1)
  return rows[0] as Row & { id: string } // there is one
}

const invitationsOf = (email: string) =>
  service().sql(
    `select user_id, holder, grants, consumed_at, round(extract(epoch from expires_at - created_at) / 3600)::int as hours
     from one_time_tokens where purpose = 'invitation' and subject = $1`,
    [email],
  )

const eventsOf = ({ tenant }: Client, type: string) =>
  service().sql(`select subject, actor, data from events where tenant_id = $1 and type = $2 order by id`, [
    tenant.id,
    type,
  ])

describe('accepts', () => {
  test('makes an account that nothing opens, and a token for its address that lives 72 hours', async () => {
    const { client, tokens, invite } = await newAdmin()
    const email = newEmail()
    const answer = await invite({ email, name: 'Ada Lovelace', roles: ['editor', 'admin', 'editor'] })
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 202, body: { status: 'invited' } })
    const account = await accountOf(client, email)
    expect(account).toMatchObject({
      name: 'Ada Lovelace',
      roles: [],
      email_verified_at: null,
      has_password: false,
    })
    expect(await invitationsOf(email)).toEqual([
      { user_id: account.id, holder: account.id, grants: ['editor', 'admin'], consumed_at: null, hours: 72 },
    ])
    expect(await eventsOf(client, 'user.invited')).toEqual([
      { subject: account.id, actor: tokens.user.id, data: { token_id: expect.any(String) } },
    ])
    expect(await eventsOf(client, 'user.registered'), 'only that of the administrator').toHaveLength(1)
    for (const password of [PASSWORD, 'null', 'undefined'])
      expectProblem(await client.login(email, password), 'invalid_credentials')
  })

  test('changes nothing of an account that is there until its owner accepts', async () => {
    const { client, invite } = await newAdmin()
    const { email, tokens } = await client.newAccount()
    const before = await accountOf(client, email)
    expect((await invite({ email, name: 'Mallory', roles: ['admin'] })).status).toBe(202)
    expect(await accountOf(client, email)).toEqual(before)
    expect(await invitationsOf(email)).toMatchObject([{ user_id: tokens.user.id, grants: ['admin'] }])
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect((await client.login(email)).status).toBe(200)
  })

  test('takes an address in any case for the same one', async () => {
    const { client, invite } = await newAdmin()
    const email = newEmail()
    await invite({ email: email.toUpperCase() })
    await invite({ email })
    await accountOf(client, email)
    expect(await invitationsOf(email)).toHaveLength(1)
  })

  test('has one newest invitation, whose roles are those of the last time', async () => {
    const { client, invite } = await newAdmin()
    const email = newEmail()
    await invite({ email, roles: ['admin'] })
    const first = await client.mailed('invitation', { user: await userOf(client, email) })
    await invite({ email, roles: ['reader'] })
    const second = await client.mailed('invitation', { user: await userOf(client, email) })
    expect(second.token).not.toBe(first.token)
    const refused = await client.call('/v1/invitations/accept', {
      json: { token: first.token, password: PASSWORD },
    })
    expectProblem(refused, 'invalid_one_time_token')
    expect(await invitationsOf(email)).toMatchObject([{ grants: ['reader'], consumed_at: null }])
  })

  test('is mailed once for one Idempotency-Key, and says the same again', async () => {
    const { client, invite } = await newAdmin()
    const email = newEmail()
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const first = await invite({ email }, { headers })
    const again = await invite({ email }, { headers })
    expect(again).toMatchObject({ status: 202, body: first.body })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(await eventsOf(client, 'user.invited')).toHaveLength(1)
    expectProblem(await invite({ email: newEmail() }, { headers }), 'idempotency_key_reused')
    expectProblem(await invite({ email, roles: ['admin'] }, { headers }), 'idempotency_key_reused')
    const simultaneous = { 'idempotency-key': crypto.randomUUID() }
    const raced = await race(10, () => invite({ email }, { headers: simultaneous }))
    for (const { status, body } of raced) expect([202, 409], JSON.stringify(body)).toContain(status)
    expect(await eventsOf(client, 'user.invited')).toHaveLength(2)
  })
})

const userOf = async (client: Client, email: string) =>
  ({ ...(await accountOf(client, email)), email }) as unknown as Tokens['user'] // its id and its address are read

describe('refuses', () => {
  test.each<[Row, Record<string, string>]>([
    [{}, { '/email': 'missing' }],
    [{ email: 'nobody' }, { '/email': 'invalid_email' }],
    [{ email: 'a@b.test, c@d.test' }, { '/email': 'invalid_email' }],
    [{ email: 'a@b.test\r\nBcc: c@d.test' }, { '/email': 'invalid_email' }],
    [{ email: ['a@b.test'] }, { '/email': 'wrong_type' }],
    [{ email: 'a@b.test', name: 'A\r\nBcc: c@d.test' }, { '/name': 'invalid_characters' }],
    [{ email: 'a@b.test', name: '' }, { '/name': 'too_short' }],
    [{ email: 'a@b.test', roles: 'admin' }, { '/roles': 'wrong_type' }],
    [{ email: 'a@b.test', roles: ['ok', 'No Role'] }, { '/roles/1': 'invalid_role' }],
    [{ email: 'a@b.test', roles: ['a\u0000b'] }, { '/roles/0': 'invalid_characters' }],
    [{ email: 'a@b.test', roles: ['a\u0085b'] }, { '/roles/0': 'invalid_role' }],
    [{ email: 'a@b.test', roles: ['x'.repeat(65)] }, { '/roles/0': 'too_long' }],
    [
      { email: 'a@b.test', roles: Array.from({ length: 33 }, (_, index) => `role${index}`) },
      { '/roles': 'too_many' },
    ],
    [{ email: 'a@b.test', tenant_id: 'x' }, { '/tenant_id': 'unknown_field' }],
    [{ email: 'a@b.test', redirect: '//evil.test' }, { '/redirect': 'unknown_field' }],
    [{ email: 'a@b.test', email_verified: true }, { '/email_verified': 'unknown_field' }],
  ])('%j, and stores nothing', async (json, fields) => {
    const { client, invite } = await newAdmin()
    expectInvalidInput(await invite(json), fields)
    expect(await eventsOf(client, 'user.invited')).toEqual([])
  })

  test('an administrator whose sign-in is old, with what RFC 9470 wants to be said', async () => {
    const { client, tokens } = await newAdmin()
    const [row] = await service().sql(
      `update sessions set auth_time = now() - interval '11 minutes' where id = $1 returning id`,
      [tokens.session.id],
    )
    expect(row).toBeDefined()
    const { body: refreshed } = await client.refresh(tokens.refresh_token)
    const answer = await client.call(PATH, { json: { email: newEmail() }, bearer: refreshed.access_token })
    expectProblem(answer, 'insufficient_user_authentication')
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2 aal1", max_age="600"',
    )
  })

  test('every caller while Redis is away: an invitation is mail', async () => {
    const { client, invite } = await newAdmin()
    service().gates.redis.set('refusing')
    try {
      expectProblem(await invite({ email: newEmail() }), 'upstream_unavailable')
    } finally {
      service().gates.redis.set('open')
    }
    expect(await eventsOf(client, 'user.invited')).toEqual([])
  })
})

describe('attacks', () => {
  test('an address with an account, one without, and a disabled one get one answer for one price (CASES C11)', async () => {
    const { client, tokens, invite } = await newAdmin()
    await client.me(tokens.access_token) // leaves at the edge what verifies the token: of the three none pays for it
    const [known, disabled] = [await client.newAccount(), await client.newAccount()]
    await service().sql(`update users set status = 'disabled' where id = $1`, [disabled.tokens.user.id])
    const answers = []
    for (const email of [known.email, newEmail(), disabled.email]) {
      const { status, body, trips, headers } = await invite({ email })
      answers.push({ status, body, trips, length: headers.get('content-length') })
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 202, trips: { postgres: 1, redis: 1 } })
    expect(await invitationsOf(disabled.email), 'a disabled account is left alone').toEqual([])
  })

  test('nothing of the token is in the answer, the event or the log', async () => {
    const { client, invite } = await newAdmin()
    const email = newEmail()
    const { body } = await invite({ email })
    const { token, id } = await client.mailed('invitation', { user: await userOf(client, email) })
    const [event] = await eventsOf(client, 'user.invited')
    expect(event?.data).toEqual({ token_id: id })
    for (const said of [JSON.stringify([body, event]), service().logs().join('\n')]) {
      expect(said).not.toContain(token)
      expect(said).not.toContain(email)
    }
  })

  test('50 invitations of one address at once make one account and leave one token', async () => {
    const { client, invite } = await newAdmin()
    const email = newEmail()
    const answers = await race(50, (index) => invite({ email, roles: [`role${index}`] }))
    for (const { status } of answers) expect(status).toBe(202)
    await accountOf(client, email)
    expect(await invitationsOf(email)).toHaveLength(1)
    expect(await eventsOf(client, 'user.invited')).toHaveLength(50)
  })

  test('an invitation and a registration of one address at once leave one account, which is invited', async () => {
    const { client, invite } = await newAdmin()
    for (let round = 0; round < 5; round++) {
      const email = newEmail()
      const [invited] = await Promise.all([invite({ email, roles: ['editor'] }), client.register(email)])
      expect(invited.status).toBe(202)
      const { id } = await accountOf(client, email)
      expect(await invitationsOf(email)).toMatchObject([{ user_id: id, grants: ['editor'] }])
    }
  })

  test('an invitation makes no one of another tenant a member of this one', async () => {
    const elsewhere = await newClient(service())
    const { email, tokens } = await elsewhere.newAccount()
    const { client, invite } = await newAdmin()
    await invite({ email, roles: ['admin'] })
    const { id } = await accountOf(client, email)
    expect(id).not.toBe(tokens.user.id)
    expect((await invitationsOf(email)).map(({ user_id }) => user_id)).toEqual([id])
  })
})
