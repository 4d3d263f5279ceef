/** Roles that a tenant declares, and what they allow: in our own operations at once, in access tokens from the next refresh on. */
import { describe, expect, test } from 'vitest'
import { EVERY_OPERATION } from '../operations.ts'
import { claimsOf } from '../support/claims.ts'
import { type Client, newClient, newEmail, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const ROLES = {
  support: ['latchkey:webhooks:read', 'orders:read'],
  inviter: ['latchkey:invitations:create', 'latchkey:users:import', 'orders:read'],
  reader: ['orders:read'],
  manager: ['latchkey:users:write', 'latchkey:roles:write'],
  guest: [],
}

const declare = (client: Client, roles: unknown) =>
  service().sql(
    `update tenants set settings = jsonb_set(settings, '{roles}', $2::jsonb, true) where id = $1`,
    [client.tenant.id, JSON.stringify(roles)],
  )

const give = (tokens: Tokens, roles: string[]) =>
  service().sql('update users set roles = $2 where id = $1', [tokens.user.id, roles])

async function newHolder(roles: string[]) {
  const client = await newClient(service(), { settings: { roles: ROLES } })
  const account = await client.newAccount()
  await give(account.tokens, roles)
  return { client, ...account, bearer: account.tokens.access_token }
}

const claims = (accessToken: string) => {
  const { roles, scope } = claimsOf(accessToken) as { roles?: string[]; scope?: string }
  return { roles, scope }
}

describe('administration 2: what a role allows', () => {
  test('is what the tenant declares, and nothing else of an administrator', async () => {
    const { client, bearer } = await newHolder(['support'])
    expect((await client.call('/v1/webhooks', { bearer })).status).toBe(200)
    for (const path of ['/v1/admin/audit-events', '/v1/admin/providers', '/v1/api-keys?owner=tenant'])
      expectProblem(await client.call(path, { bearer }), 'insufficient_role')
    const made = await client.call('/v1/webhooks', {
      bearer,
      json: { url: 'https://example.com/', events: ['*'] },
    })
    expectProblem(made, 'insufficient_role')
  })

  test('ends at once, when the role loses the permission or the account the role (K14)', async () => {
    const { client, bearer, tokens } = await newHolder(['support'])
    const list = () => client.call('/v1/webhooks', { bearer })
    await declare(client, { ...ROLES, support: ['orders:read'] })
    expectProblem(await list(), 'insufficient_role')
    await declare(client, ROLES)
    expect((await list()).status).toBe(200)
    await give(tokens, ['reader'])
    expectProblem(await list(), 'insufficient_role')
  })

  test('is nothing where it is empty, is not declared, or is no list (K11)', async () => {
    const { client, bearer, tokens } = await newHolder(['guest', 'unheard-of'])
    const list = () => client.call('/v1/webhooks', { bearer })
    expectProblem(await list(), 'insufficient_role')
    await give(tokens, ['support'])
    const wrong = [
      'latchkey:webhooks:read',
      null,
      7,
      { 'latchkey:webhooks:read': true },
      [['latchkey:webhooks:read']],
    ]
    for (const permissions of wrong) {
      await declare(client, { support: permissions })
      expectProblem(await list(), 'insufficient_role')
    }
    for (const roles of [[], 'support', null, ['support']]) {
      await declare(client, roles)
      expectProblem(await list(), 'insufficient_role')
    }
  })

  test('is in the token as `scope`, and changes there at the next refresh', async () => {
    const { client, tokens, email } = await newHolder(['support', 'reader'])
    const signedIn = await client.signIn(email)
    expect(claims(signedIn.access_token)).toEqual({
      roles: ['support', 'reader'],
      scope: 'latchkey:webhooks:read orders:read',
    })
    await give(tokens, ['reader'])
    const { body } = await client.refresh(signedIn.refresh_token)
    expect(claims(body.access_token)).toEqual({ roles: ['reader'], scope: 'orders:read' })
    await declare(client, { reader: [] })
    const { body: next } = await client.refresh(body.refresh_token)
    expect(claims(next.access_token)).toEqual({ roles: ['reader'] })
  })
})

const ACTS = EVERY_OPERATION.filter(
  ({ path, method }) =>
    /^\/v1\/admin\/users\/:id\//.test(path) && method !== 'GET' && !path.endsWith('/metadata'),
)

describe('K03: an account that may do more is out of reach', () => {
  test.each(ACTS.map(({ method, path }) => [`${method} ${path}`, { method, path }] as const))(
    '%s',
    async (_, { method, path }) => {
      const { client, bearer } = await newHolder(['manager'])
      const act = async (roles: string[]) => {
        const { tokens } = await client.newAccount()
        await give(tokens, roles)
        const at = path.replace(':id', tokens.user.id)
        const answer = await client.call<{ code?: string }>(at, {
          method,
          bearer,
          json: { reason: 'Asked by phone' },
        })
        const [after] = await service().sql('select status, roles, deleted_at from users where id = $1', [
          tokens.user.id,
        ])
        return { code: answer.body.code, after }
      }
      for (const roles of [['admin'], ['support'], ['reader', 'unheard-of']])
        expect(await act(roles)).toEqual({
          code: 'insufficient_role',
          after: { status: 'active', roles, deleted_at: null },
        })
      expect((await act(['guest'])).code).not.toBe('insufficient_role')
    },
  )

  test('and their roles are given and taken only as far as the caller has them', async () => {
    const { client, bearer } = await newHolder(['manager', 'reader'])
    const { tokens } = await client.newAccount()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    const change = (json: object) => client.call(`/v1/admin/users/${tokens.user.id}/roles`, { bearer, json })
    for (const role of ['admin', 'support', 'unheard-of'])
      for (const json of [{ grant: [role] }, { revoke: [role] }])
        expectProblem(await change(json), 'insufficient_role')
    expect((await change({ grant: ['reader'] })).body).toEqual({ roles: ['reader'] })
    expect((await change({ revoke: ['reader'] })).body).toEqual({ roles: [] })
  })
})

describe('K03: no one gives what they lack', () => {
  const rowsOf = async (client: Client) =>
    (
      await service().sql<{ users: number; tokens: number }>(
        `select (select count(*)::int from users where tenant_id = $1) as users,
           (select count(*)::int from one_time_tokens where tenant_id = $1 and purpose = 'invitation') as tokens`,
        [client.tenant.id],
      )
    )[0]

  const BEYOND = [['admin'], ['support'], ['reader', 'admin'], ['unheard-of'], ['toString']]

  test('by an invitation', async () => {
    const { client, bearer } = await newHolder(['inviter'])
    const invite = (roles: string[]) =>
      client.call('/v1/admin/invitations', { bearer, json: { email: newEmail(), roles } })
    const before = await rowsOf(client)
    for (const roles of BEYOND) expectProblem(await invite(roles), 'insufficient_role')
    expect(await rowsOf(client)).toEqual(before)
    for (const roles of [[], ['guest'], ['reader', 'inviter']]) expect((await invite(roles)).status).toBe(202)
  })

  test('by an import', async () => {
    const { client, bearer } = await newHolder(['inviter'])
    const send = (roles: string[]) =>
      client.call('/v1/admin/users/import', {
        bearer,
        json: { users: [{ email: newEmail() }, { email: newEmail(), roles }] },
      })
    const before = await rowsOf(client)
    for (const roles of BEYOND) expectProblem(await send(roles), 'insufficient_role')
    expect(await rowsOf(client)).toEqual(before)
    expect((await send(['reader'])).status).toBe(200)
  })

  test('but for an administrator, who has everything', async () => {
    const { client, bearer } = await newHolder(['admin'])
    for (const roles of BEYOND) {
      const json = { email: newEmail(), roles }
      expect((await client.call('/v1/admin/invitations', { bearer, json })).status).toBe(202)
    }
  })
})
