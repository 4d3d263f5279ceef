/** Accepting an invitation: what it gives, to whom, once; and that who was there before has nothing of it (CASES C11, C13). */
import { describe, expect, test } from 'vitest'
import {
  type Client,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
  type Tokens,
} from '../support/client.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { redeemsToken } from '../support/redeeming.ts'
import { type Row, useLentService } from '../support/service.ts'

const service = useLentService()
const PATH = '/v1/invitations/accept'
const NEW_PASSWORD = 'new battery staple'

redeemsToken(service, { path: PATH, purpose: 'invitation', rest: { password: NEW_PASSWORD }, status: 204 })

const accept = (client: Client, json: Row) => client.call(PATH, { json })

/** Someone who is invited, and the token that their mail carries. */
async function invited({
  email = newEmail(),
  client,
  ...json
}: Row & { email?: string; client?: Client } = {}) {
  const their = client ?? (await newClient(service()))
  const { tokens: admin } = await their.newAdmin()
  const invite = () =>
    their.call('/v1/admin/invitations', { json: { email, ...json }, bearer: admin.access_token })
  expect((await invite()).status).toBe(202)
  const [row] = await service().sql<{ id: string }>(
    'select id from users where tenant_id = $1 and email = $2',
    [their.tenant.id, email],
  )
  const id = row?.id ?? ''
  const { token } = await their.mailed('invitation', { user: { id } as Tokens['user'] }) // of the user it reads the id
  return { client: their, email, id, token, invite, admin }
}

async function accountOf(id: string): Promise<Row | undefined> {
  const [row] = await service().sql(
    `select name, roles, email_verified_at is not null as verified,
       exists (select from passwords where user_id = users.id) as has_password,
       (select count(*)::int from sessions where user_id = users.id and revoked_at is null) as sessions,
       (select count(*)::int from one_time_tokens where user_id = users.id and consumed_at is null) as tokens
     from users where id = $1`,
    [id],
  )
  return row
}

const eventsOf = (id: string) =>
  service().sql(
    `select type, data from events where subject = $1 and type in ('email.verified', 'password.changed') order by type`,
    [id],
  )

describe('accepts', () => {
  test('the password that was chosen, the name and the roles of the invitation, and signs no one in', async () => {
    const { client, email, id, token } = await invited({ name: 'Ada', roles: ['editor', 'reader'] })
    const answer = await accept(client, { token, password: NEW_PASSWORD })
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 204, body: '' })
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(await accountOf(id)).toMatchObject({
      verified: true,
      name: 'Ada',
      roles: ['editor', 'reader'],
      sessions: 0,
    })
    const { status, body } = await client.login(email, NEW_PASSWORD)
    expect(status).toBe(200)
    expect(body.user).toEqual({ id, email, email_verified: true, name: 'Ada', roles: ['editor', 'reader'] })
    expect(await eventsOf(id)).toEqual([
      { type: 'email.verified', data: { by: 'invitation', password: 'set', session_ids: [] } },
      { type: 'password.changed', data: { by: 'invitation', session_ids: [] } },
    ])
  })

  test('another name, if they say one', async () => {
    const { client, id, token } = await invited({ name: 'A. Lovelace' })
    expect((await accept(client, { token, password: NEW_PASSWORD, name: 'Ada' })).status).toBe(204)
    expect(await accountOf(id)).toMatchObject({ name: 'Ada' })
  })

  test('adds the roles to those that an account has, each once', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await service().sql(`update users set roles = '{reader,writer}' where id = $1`, [tokens.user.id])
    const { id, token } = await invited({ client, email, roles: ['writer', 'editor'] })
    expect(id).toBe(tokens.user.id)
    await accept(client, { token, password: NEW_PASSWORD })
    expect(await accountOf(id)).toMatchObject({ roles: ['editor', 'reader', 'writer'] })
  })

  test('in a tenant where registration proves the address first', async () => {
    const client = await newClient(service(), { settings: { registration: 'sign-in-at-once' } })
    const { email, id, token } = await invited({ client })
    await service().sql(`update tenants set settings = '{"registration":"verify-first"}' where id = $1`, [
      client.tenant.id,
    ])
    expect((await accept(client, { token, password: NEW_PASSWORD })).status).toBe(204)
    expect((await client.login(email, NEW_PASSWORD)).body.user.id).toBe(id)
  })
})

describe('refuses', () => {
  test('a password that may not be chosen, and uses nothing up', async () => {
    const { client, id, token, email } = await invited()
    expectInvalidInput(await accept(client, { token, password: 'short' }), { '/password': 'too_short' })
    expectProblem(await accept(client, { token, password: email }), 'password_compromised')
    expectInvalidInput(await accept(client, { token }), { '/password': 'missing' })
    expectInvalidInput(await accept(client, { token, password: NEW_PASSWORD, name: 'A\nB' }), {
      '/name': 'invalid_characters',
    })
    expect(await accountOf(id)).toMatchObject({ verified: false, has_password: false })
    expect((await accept(client, { token, password: NEW_PASSWORD })).status).toBe(204)
  })

  test('what only an administrator says (CASES C11)', async () => {
    const { client, id, token } = await invited({ roles: ['reader'] })
    for (const field of [
      'roles',
      'email',
      'tenant_id',
      'user_id',
      'team_id',
      'invitation_id',
      'email_verified',
    ]) {
      const answer = await accept(client, { token, password: NEW_PASSWORD, [field]: ['admin'] })
      expectInvalidInput(answer, { [`/${field}`]: 'unknown_field' })
    }
    expect(await accountOf(id)).toMatchObject({ verified: false, roles: [] })
  })

  test('the id of the invitation, which the audit log shows, in place of its token', async () => {
    const { client, id } = await invited()
    const [row] = await service().sql('select id from one_time_tokens where user_id = $1', [id])
    for (const token of [String(row?.id), `lko_${row?.id}`])
      expectProblem(await accept(client, { token, password: NEW_PASSWORD }), 'invalid_one_time_token')
  })

  test('an invitation 72 hours after it was sent, and not before', async () => {
    const { client, id, token } = await invited()
    const age = (interval: string) =>
      service().sql(`update one_time_tokens set expires_at = expires_at - $2::interval where user_id = $1`, [
        id,
        interval,
      ])
    await age('72 hours')
    expectProblem(await accept(client, { token, password: NEW_PASSWORD }), 'invalid_one_time_token')
    await age('-1 minute')
    expect((await accept(client, { token, password: NEW_PASSWORD })).status).toBe(204)
  })

  test('an invitation to an address that the account has no longer', async () => {
    const { client, id, token } = await invited({ roles: ['admin'] })
    await service().sql('update users set email = $2 where id = $1', [id, newEmail()])
    expectProblem(await accept(client, { token, password: NEW_PASSWORD }), 'invalid_one_time_token')
    expect(await accountOf(id)).toMatchObject({ roles: [], has_password: false })
  })
})

describe('attacks', () => {
  test('who registered the invited address before, unproved, has nothing of it (CASES C11)', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const { body: planted } = await client.register(email, PASSWORD, { name: 'Mallory' })
    const other = await client.signIn(email)
    const reset = await client.plant('reset_password', planted)
    const { id, token } = await invited({ client, email, roles: ['admin'] })
    expect(id).toBe(planted.user.id)
    // The attacker has the account, and not the mail.
    expect((await client.me(planted.access_token)).body.roles).toEqual([])
    expectProblem(
      await client.call('/v1/admin/audit-events', { bearer: planted.access_token }),
      'insufficient_role',
    )

    expect((await accept(client, { token, password: NEW_PASSWORD, name: 'Ada' })).status).toBe(204)

    for (const { access_token, refresh_token } of [planted, other]) {
      expectProblem(await client.me(access_token), 'invalid_token')
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
    }
    expectProblem(await client.login(email, PASSWORD), 'invalid_credentials')
    expectProblem(
      await client.call('/v1/password/reset', { json: { token: reset.token, password: PASSWORD } }),
      'invalid_one_time_token',
    )
    expect(await accountOf(id)).toMatchObject({ name: 'Ada', roles: ['admin'], sessions: 0, tokens: 0 })
    expect((await client.login(email, NEW_PASSWORD)).status).toBe(200)
  })

  test('who registers the invited address afterwards gets no account and no password into it', async () => {
    const { client, email, id, token } = await invited()
    expectProblem(await client.register(email, PASSWORD), 'email_taken')
    await service().sql(`update tenants set settings = '{"registration":"verify-first"}' where id = $1`, [
      client.tenant.id,
    ])
    expect((await client.register(email, PASSWORD)).status).toBe(202)
    expect(await accountOf(id)).toMatchObject({ has_password: false, verified: false })
    expect((await accept(client, { token, password: NEW_PASSWORD })).status).toBe(204)
    expectProblem(await client.login(email, PASSWORD), 'invalid_credentials')
    expect((await client.login(email, NEW_PASSWORD)).status).toBe(200)
  })

  test('of 50 at once with 50 passwords one is accepted, and theirs is the password (CASES C05)', async () => {
    const { client, email, id, token } = await invited({ roles: ['editor'] })
    const passwords = Array.from({ length: 50 }, (_, index) => `battery staple ${index}`)
    const answers = await race(50, (index) =>
      accept(createClient(service(), client.tenant), { token, password: passwords[index] }),
    )
    const winners = answers.flatMap(({ status }, index) => (status === 204 ? [passwords[index] ?? ''] : []))
    expect(winners).toHaveLength(1)
    for (const answer of answers.filter(({ status }) => status !== 204))
      expectProblem(answer, 'invalid_one_time_token')
    expect((await client.login(email, winners[0])).status).toBe(200)
    expect(await eventsOf(id)).toHaveLength(2)
  })

  test('a second use from another browser adds nothing (CASES C13)', async () => {
    const { client, email, id, token } = await invited()
    await accept(client, { token, password: NEW_PASSWORD })
    const before = await accountOf(id)
    expectProblem(
      await accept(client, { token, password: PASSWORD, name: 'Mallory' }),
      'invalid_one_time_token',
    )
    expect(await accountOf(id)).toEqual(before)
    expectProblem(await client.login(email, PASSWORD), 'invalid_credentials')
  })

  test('an accepted invitation can be followed by another, which grants what it says', async () => {
    const { client, id, token, invite } = await invited({ roles: ['reader'] })
    await accept(client, { token, password: NEW_PASSWORD })
    await invite()
    const again = await client.mailed('invitation', { user: { id } as Tokens['user'] })
    expectProblem(await accept(client, { token, password: PASSWORD }), 'invalid_one_time_token')
    expect((await accept(client, { token: again.token, password: NEW_PASSWORD })).status).toBe(204)
  })
})

describe('accounts 10: the roles of an account', () => {
  const names = (letter: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${letter}${String(index).padStart(2, '0')}`)
  const rolesOf = async (id: string) => (await accountOf(id))?.roles as string[]

  test('are 32 at most, however many invitations grant some: what it has stays, and the token verifies', async () => {
    const first = await invited({ roles: names('m', 20) })
    await accept(first.client, { token: first.token, password: NEW_PASSWORD })
    const second = await invited({ email: first.email, client: first.client, roles: names('a', 32) })
    expect((await accept(second.client, { token: second.token, password: PASSWORD })).status).toBe(204)
    expect(await rolesOf(first.id)).toEqual([...names('a', 12), ...names('m', 20)])
    const { body } = await first.client.login(first.email, PASSWORD)
    expect((await first.client.me(body.access_token)).status).toBe(200)
  })

  test('that someone wrote into the table beyond that are not taken away, and none is added', async () => {
    const { client, email, id, token } = await invited({ roles: ['editor'] })
    await service().sql('update users set roles = $2 where id = $1', [id, names('x', 52)])
    await accept(client, { token, password: NEW_PASSWORD })
    expect(await rolesOf(id)).toEqual(names('x', 52))
    const { body } = await client.login(email, NEW_PASSWORD)
    expect((await client.me(body.access_token)).status, 'and 52 fit').toBe(200)
  })

  test('may be 32 of 64 characters, of any script: what is issued is taken everywhere', async () => {
    const roles = Array.from({ length: 32 }, (_, index) => `${index}`.padStart(64, '角'))
    const { client, email, id, token } = await invited({ roles })
    await accept(client, { token, password: NEW_PASSWORD })
    expect((await rolesOf(id)).toSorted()).toEqual(roles.toSorted())
    const { body } = await client.login(email, NEW_PASSWORD)
    for (const path of ['/v1/me', '/v1/sessions'])
      expect((await client.call(path, { bearer: body.access_token })).status).toBe(200)
    expect((await client.call('/v1/logout', { method: 'POST', bearer: body.access_token })).status).toBe(204)
  })

  test('that no token could hold are our fault at sign-in, never a token that is refused everywhere', async () => {
    const { client, email, id, token } = await invited()
    await accept(client, { token, password: NEW_PASSWORD })
    const roles = Array.from({ length: 200 }, (_, index) => `${index}`.padStart(64, 'x'))
    await service().sql('update users set roles = $2 where id = $1', [id, roles])
    expectProblem(await client.login(email, NEW_PASSWORD), 'internal_error')
    await service().sql('update users set roles = $2 where id = $1', [id, ['editor']])
    const { body } = await client.login(email, NEW_PASSWORD)
    expect((await client.me(body.access_token)).status).toBe(200)
  })
})
