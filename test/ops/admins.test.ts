/** `npm run admins`: who administers a tenant is decided by an operator's command, never by SQL. */
import { describe, expect, test } from 'vitest'
import { adminsCommand } from '../../ops/admins.ts'
import { changeRoles } from '../../src/access/roles-store.ts'
import { byOperator } from '../../src/guard/acting-store.ts'
import { type Client, newClient, newEmail } from '../support/client.ts'
import { runInProcess } from '../support/operator-command.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const admins = (client: Client, ...words: string[]) =>
  runInProcess(adminsCommand, service().operator, [...words, '--tenant', client.tenant.slug])

async function newProved(client: Client) {
  const account = await client.newAccount()
  await service().sql('update users set email_verified_at = now() where id = $1', [account.tokens.user.id])
  return account
}

const rolesOf = async (id: string) =>
  (await service().sql<{ roles: string[] }>('select roles from users where id = $1', [id]))[0]?.roles

const auditOf = (client: Client, bearer: string) => client.call('/v1/admin/audit-events', { bearer })

describe('grant', () => {
  test('makes an account an administrator at once, by the token that it holds', async () => {
    const client = await newClient(service())
    const { email, tokens } = await newProved(client)
    expect((await auditOf(client, tokens.access_token)).status).toBe(403)
    expect((await admins(client, 'grant', ` ${email.toUpperCase()} `)).status).toBe(0)
    expect((await auditOf(client, tokens.access_token)).status).toBe(200)
    const { stdout } = await admins(client, 'list', '--json')
    expect(JSON.parse(stdout)).toMatchObject([{ email, isProved: true, hasSecondFactor: false }])
  })

  test('refuses an address that was never proved, because another person may have registered it', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    const { status, stderr } = await admins(client, 'grant', email)
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('not verified') })
    expect(await rolesOf(tokens.user.id)).toEqual([])
    expect((await admins(client, 'grant', email, '--unproved')).status).toBe(0)
    expect(await rolesOf(tokens.user.id)).toEqual(['admin'])
  })

  test('gives the role once, and never more roles than a token carries', async () => {
    const client = await newClient(service())
    const { email, tokens } = await newProved(client)
    await admins(client, 'grant', email)
    expect((await admins(client, 'grant', email)).status).toBe(0)
    expect(await rolesOf(tokens.user.id)).toEqual(['admin'])
    const many = await newProved(client)
    const roles = Array.from({ length: 32 }, (_, index) => `role-${index}`)
    await service().sql('update users set roles = $2 where id = $1', [many.tokens.user.id, roles])
    expect((await admins(client, 'grant', many.email)).status).toBe(1)
  })

  test.each([
    ['an address without an account', [newEmail()]],
    ['no address', []],
    ['what is no address', ['admin']],
  ])('refuses %s in one line', async (_, words) => {
    const client = await newClient(service())
    const { status, stderr } = await admins(client, 'grant', ...words)
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('reaches no account of another tenant', async () => {
    const [mine, other] = [await newClient(service()), await newClient(service())]
    const { email, tokens } = await newProved(other)
    expect((await admins(mine, 'grant', email)).status).toBe(1)
    expect(await rolesOf(tokens.user.id)).toEqual([])
  })
})

describe('add', () => {
  const links = (client: Client) =>
    service().sql('select purpose, subject from one_time_tokens where tenant_id = $1', [client.tenant.id])

  test('makes an account whose address the operator vouches for, mails a link that sets its password, and grants', async () => {
    const client = await newClient(service())
    const email = newEmail()
    expect((await admins(client, 'add', email)).status).toBe(0)
    const { stdout } = await admins(client, 'list', '--json')
    expect(JSON.parse(stdout)).toMatchObject([{ email, isProved: true }])
    expect(await links(client)).toEqual([{ purpose: 'reset_password', subject: email }])
    expect((await admins(client, 'add', email)).stderr).toContain('already an administrator')
    expect(await links(client)).toHaveLength(1)
  })

  test('takes an account that is there, unless its address was never proved', async () => {
    const client = await newClient(service())
    const proved = await newProved(client)
    expect((await admins(client, 'add', proved.email)).status).toBe(0)
    expect(await rolesOf(proved.tokens.user.id)).toEqual(['admin'])
    const { email, tokens } = await client.newAccount()
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    const { status, stderr } = await admins(client, 'add', email)
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('not verified') })
    expect(await rolesOf(tokens.user.id)).toEqual([])
    expect(await links(client)).toHaveLength(1)
  })

  test('refuses an account that is disabled, and changes nothing', async () => {
    const client = await newClient(service())
    const { email, tokens } = await newProved(client)
    await service().sql(`update users set status = 'disabled' where id = $1`, [tokens.user.id])
    expect(await admins(client, 'add', email)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('disabled'),
    })
    expect(await rolesOf(tokens.user.id)).toEqual([])
  })
})

describe('revoke', () => {
  test('takes the role at once, and never from the last one unless that is said', async () => {
    const client = await newClient(service())
    const [first, second] = [await newProved(client), await newProved(client)]
    await admins(client, 'grant', first.email)
    await admins(client, 'grant', second.email)
    expect((await admins(client, 'revoke', first.email)).status).toBe(0)
    expect((await auditOf(client, first.tokens.access_token)).status).toBe(403)
    const { status, stderr } = await admins(client, 'revoke', second.email)
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('--last') })
    expect((await admins(client, 'revoke', second.email, '--last')).status).toBe(0)
    expect(await rolesOf(second.tokens.user.id)).toEqual([])
  })

  test('an administrator who is disabled or whose account is closed does not count as another one', async () => {
    const client = await newClient(service())
    const accounts = [await newProved(client), await newProved(client), await newProved(client)]
    for (const { email } of accounts) await admins(client, 'grant', email)
    const [disabled, closed, last] = accounts.map(({ tokens }) => tokens.user.id)
    await service().sql(`update users set status = 'disabled' where id = $1`, [disabled])
    await service().sql('update users set deleted_at = now() where id = $1', [closed])
    expect((await admins(client, 'revoke', accounts[2]?.email ?? '')).status).toBe(1)
    expect(await rolesOf(last ?? '')).toEqual(['admin'])
  })

  test('of 50 that take the role of 50 administrators at the same time, one finds that it is the last', async () => {
    const client = await newClient(service())
    const emails = Array.from({ length: 50 }, () => newEmail())
    await service().sql(
      `insert into users (id, tenant_id, email, email_verified_at, roles)
       select gen_random_uuid(), $1, email, now(), '{admin}' from unnest($2::text[]) as email`,
      [client.tenant.id, emails],
    )
    const rows = await service().sql<{ id: string }>('select id from users where tenant_id = $1', [
      client.tenant.id,
    ])
    const targets = rows.map(({ id }) => ({ acting: byOperator(client.tenant.id), userId: id, reason: null }))
    const { operator } = service()
    const options = { unproved: false, last: false }
    const taken = await Promise.all(
      targets.map((target) => changeRoles(operator, target, { grant: [], revoke: ['admin'] }, options)),
    )
    expect(taken.filter(({ isChanged }) => isChanged)).toHaveLength(49)
    const given = await Promise.all(
      targets.map((target) => changeRoles(operator, target, { grant: ['admin'], revoke: [] }, options)),
    )
    expect(given.filter(({ isChanged }) => isChanged)).toHaveLength(49)
  })
})
