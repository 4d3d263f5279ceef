/** An API key in place of an access token: what its scopes allow, as long as they do, and nothing of an account's own. */
import { describe, expect, test } from 'vitest'
import { type Client, newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const READ = 'latchkey:webhooks:read'
const WRITE = 'latchkey:webhooks:write'
const SETTINGS = {
  roles: { support: [READ, 'orders:refund'] },
  api_key_scopes: [READ, WRITE, 'orders:read', 'orders:refund', 'latchkey:audit:read'],
}

/** An administrator, whose tenant has an endpoint, and a key of the tenant. */
async function newKey(scopes: string[]) {
  const client = await newClient(service(), { settings: SETTINGS })
  const { tokens } = await client.newAdmin()
  const { id, key } = await plantApiKey(service(), client.tenant, null, { scopes })
  return { client, id, key, endpoint: `/v1/webhooks/${tokens.session.id}`, admin: tokens }
}

/** A person with a role, and a key of theirs. */
async function newOwned(scopes: string[]) {
  const client = await newClient(service(), { settings: SETTINGS })
  const { tokens } = await client.newAccount()
  await give(tokens.user.id, ['support'])
  const { id, key } = await plantApiKey(service(), client.tenant, tokens.user.id, { scopes })
  return { client, tokens, id, key }
}

const give = (id: string, roles: string[]) =>
  service().sql('update users set roles = $2 where id = $1', [id, roles])

const list = (client: Client, key: string) => client.call('/v1/webhooks', { bearer: key })

describe('administration 1: a key calls our own API', () => {
  test('within its scopes, in one trip for a read and two for a write', async () => {
    const { client, key, endpoint } = await newKey([READ, WRITE])
    await list(client, key) // notes the use, beside the answer
    const read = await list(client, key)
    expect(read.status).toBe(200)
    expect(read.trips).toEqual({ redis: 1, postgres: 1 })
    const removed = await client.call(endpoint, { method: 'DELETE', bearer: key })
    expect(removed.status).toBe(204)
    expect(removed.trips).toEqual({ redis: 1, postgres: 2 })
  })

  test('and the event says which key it was, and that no account did it', async () => {
    const { client, id, key, endpoint } = await newKey([WRITE])
    await client.call(endpoint, { method: 'DELETE', bearer: key })
    const events = await service().sql(
      `select actor, client ->> 'api_key_id' as key from events where tenant_id = $1 and type = 'webhook.deleted'`,
      [client.tenant.id],
    )
    expect(events).toEqual([{ actor: null, key: id }])
  })

  test('not beyond its scopes, and says which one it lacks', async () => {
    const { client, key, endpoint } = await newKey([READ, 'orders:read'])
    const answer = await client.call(endpoint, { method: 'DELETE', bearer: key })
    expectProblem(answer, 'insufficient_scope')
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer error="insufficient_scope", scope="${WRITE}"`)
    expect((await client.call(endpoint, { bearer: key })).status, 'it is still there').toBe(200)
    const { key: bare } = await plantApiKey(service(), client.tenant, null, { scopes: ['orders:read'] })
    expectProblem(await list(client, bare), 'insufficient_scope')
  })

  test('of a person, no further than the person, at once (K14)', async () => {
    const { client, tokens, key } = await newOwned([READ, WRITE])
    expect((await list(client, key)).status).toBe(200)
    const removal = { method: 'DELETE', bearer: key }
    expectProblem(await client.call(`/v1/webhooks/${tokens.session.id}`, removal), 'insufficient_scope')
    await give(tokens.user.id, [])
    expectProblem(await list(client, key), 'insufficient_scope')
    await give(tokens.user.id, ['admin'])
    expect((await list(client, key)).status).toBe(200)
  })

  test('verification says the same of permissions, and leaves other words alone', async () => {
    const { client, tokens, key } = await newOwned(['orders:read', 'orders:refund', READ, WRITE])
    const scopes = async () =>
      (await client.call<{ scopes: string[] }>('/v1/api-keys/verify', { json: { key } })).body.scopes
    expect(await scopes()).toEqual(['orders:read', 'orders:refund', READ])
    await give(tokens.user.id, [])
    expect(await scopes()).toEqual(['orders:read'])
  })
})

describe('L03: a key that is over opens nothing', () => {
  test.each([
    ['revoked', 'update api_keys set revoked_at = now() where id = $1'],
    ['expired', `update api_keys set expires_at = now() - interval '1 second' where id = $1`],
    ['replaced', `update api_keys set hash = sha256('x') where id = $1`],
    [
      'of a disabled owner',
      `update users set status = 'disabled' where id = (select user_id from api_keys where id = $1)`,
    ],
    [
      'of a closed owner',
      `update users set deleted_at = now() where id = (select user_id from api_keys where id = $1)`,
    ],
  ])('%s', async (_, change) => {
    const { client, id, key } = await newOwned([READ])
    expect((await list(client, key)).status).toBe(200)
    await service().sql(change, [id])
    expectProblem(await list(client, key), 'invalid_token')
  })

  test('of another tenant, nor does a session that is one (K05)', async () => {
    const { key } = await newKey([READ])
    const elsewhere = await newKey([READ])
    expectProblem(await list(elsewhere.client, key), 'invalid_token')
  })

  test('cut, joined, in other letters, or made up (L06)', async () => {
    const { client, key } = await newKey([READ])
    const swapped = key.replace(/[a-z](?=[^_]*$)/, (letter) => letter.toUpperCase())
    for (const text of [key.slice(0, -1), `${key}A`, key.slice(0, 20), swapped, key.toUpperCase(), 'lk_'])
      expectProblem(await list(client, text), 'invalid_token')
    expectProblem(await list(client, `${key},${key}`), 'invalid_request')
  })
})

test('L05: a key in a query is refused, and is not looked at', async () => {
  const { client, key } = await newKey([READ])
  for (const name of ['api_key', 'access_token', 'key'])
    expectProblem(await client.call(`/v1/webhooks?${name}=${key}`), 'invalid_input')
})

describe('L01: a key gets no scope that its maker lacks', () => {
  const make = (client: Client, bearer: string, json: object) =>
    client.call('/v1/api-keys', { bearer, json: { name: 'Backup', ...json } })

  test('a permission, ours or of a role', async () => {
    const client = await newClient(service(), { settings: SETTINGS })
    const { tokens } = await client.newAccount()
    const bearer = tokens.access_token
    for (const scopes of [[READ], ['orders:refund'], ['orders:read', READ]])
      expectProblem(await make(client, bearer, { scopes }), 'insufficient_role')
    expect((await make(client, bearer, { scopes: ['orders:read'] })).status).toBe(201)
    await give(tokens.user.id, ['support'])
    expect((await make(client, bearer, { scopes: [READ, 'orders:refund'] })).status).toBe(201)
    expectProblem(await make(client, bearer, { scopes: ['latchkey:audit:read'] }), 'insufficient_role')
    expectProblem(await make(client, bearer, { scopes: [READ], owner: 'tenant' }), 'insufficient_role')
    const rows = await service().sql('select scopes from api_keys where tenant_id = $1 order by id', [
      client.tenant.id,
    ])
    expect(rows).toEqual([{ scopes: ['orders:read'] }, { scopes: [READ, 'orders:refund'] }])
  })

  test('but an administrator gives any that the tenant declares', async () => {
    const { client, admin } = await newKey([])
    for (const owner of ['user', 'tenant'])
      expect(
        (await make(client, admin.access_token, { scopes: [WRITE, 'orders:refund'], owner })).status,
      ).toBe(201)
  })
})
