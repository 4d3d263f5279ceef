/** `npm run users`: an operator finds, disables, enables and signs out an account without the API. */
import { describe, expect, test } from 'vitest'
import { usersCommand } from '../../ops/users.ts'
import { type Client, newClient, newEmail, PASSWORD } from '../support/client.ts'
import { runInProcess } from '../support/operator-command.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const users = (client: Client, ...words: string[]) =>
  runInProcess(usersCommand, service().operator, [...words, '--tenant', client.tenant.slug])

describe('find', () => {
  test('by address or by id, with what an operator asks first', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await client.signIn(email)
    for (const who of [email.toUpperCase(), tokens.user.id]) {
      const { stdout } = await users(client, 'find', who, '--json')
      expect(JSON.parse(stdout)).toMatchObject([
        { id: tokens.user.id, email, status: 'active', liveSessions: 2 },
      ])
    }
    const { stdout } = await users(client, 'find', email)
    expect(stdout).toContain(tokens.user.id)
    for (const secret of [tokens.refresh_token, PASSWORD, '$argon2']) expect(stdout).not.toContain(secret)
  })

  test('reaches no account of another tenant', async () => {
    const [client, other] = [await newClient(service()), await newClient(service())]
    const { email, tokens } = await other.newAccount()
    for (const who of [email, tokens.user.id])
      expect(await users(client, 'find', who)).toMatchObject({ status: 1, stdout: '' })
  })

  test.each([
    ['an address without an account', [newEmail()]],
    ['what is neither an address nor an id', ['ada']],
    ['nothing', []],
  ])('refuses %s in one line', async (_, words) => {
    const client = await newClient(service())
    const { status, stderr } = await users(client, 'find', ...words)
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
})

describe('disable and enable', () => {
  test('a disabled account has no session and cannot sign in; enabled, it has its password again', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    expect((await users(client, 'disable', email, '--yes')).status).toBe(0)
    expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(401)
    expect((await client.refresh(tokens.refresh_token)).status).toBe(401)
    expect((await client.login(email, PASSWORD)).status).not.toBe(200)
    expect((await users(client, 'enable', email, '--yes')).status).toBe(0)
    expect((await client.login(email, PASSWORD)).status).toBe(200)
    expect((await client.refresh(tokens.refresh_token)).status).toBe(401) // what ended stays so
  })

  test('asks before, and changes nothing without an answer', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    expect(await users(client, 'disable', email)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('--yes'),
    })
    expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
  })

  test('says so when there is nothing to change', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    expect((await users(client, 'enable', email, '--yes')).status).toBe(1)
    await users(client, 'disable', email, '--yes')
    expect((await users(client, 'disable', email, '--yes')).status).toBe(1)
  })

  test('sign-ins that race with it leave no session that lives', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await Promise.all([
      ...Array.from({ length: 20 }, () => client.login(email, PASSWORD)),
      users(client, 'disable', email, '--yes'),
    ])
    const { stdout } = await users(client, 'find', tokens.user.id, '--json')
    expect(JSON.parse(stdout)).toMatchObject([{ status: 'disabled', liveSessions: 0 }])
  })
})

describe('end-sessions', () => {
  test('ends them all, and the owner signs in again', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const other = await client.signIn(email)
    expect((await users(client, 'end-sessions', email, '--yes')).status).toBe(0)
    for (const { refresh_token } of [tokens, other])
      expect((await client.refresh(refresh_token)).status).toBe(401)
    expect((await client.login(email, PASSWORD)).status).toBe(200)
  })
})

describe('reset', () => {
  test('mails the owner a link that sets a new password, and shows it to no one', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const { status, stdout, stderr } = await users(client, 'reset', email, '--yes', '--reason', 'locked out')
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    const { token } = await client.mailed('reset_password', tokens)
    expect(stderr).not.toContain(token)
    const [event] = await service().sql(
      `select actor, data ->> 'reason' as reason from events where subject = $1 and type = 'password.reset_sent'`,
      [tokens.user.id],
    )
    expect(event).toEqual({ actor: null, reason: 'locked out' })
    const json = { token, password: 'another battery staple' }
    expect((await client.call('/v1/password/reset', { json })).status).toBe(204)
    await users(client, 'disable', email, '--yes')
    expect((await users(client, 'reset', email, '--yes')).status).toBe(1)
  })
})
