/** PATCH /v1/admin/users/{id}/metadata: who may write what, and what can be written. */
import { describe, expect, test } from 'vitest'
import { type Client, countBy, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()
const WRITE = 'latchkey:metadata:write'
const ROLES = { editor: [WRITE], other: ['orders:read'] }

everyRoute(service, {
  method: 'PATCH',
  path: '/v1/admin/users/:id/metadata',
  allow: 'GET, HEAD, PATCH',
  caller: 'admin',
  json: { external_id: 'customer-1' },
  // Objects of any members: what is wrong elsewhere is right there.
  optional: ['public_metadata', 'private_metadata'],
})

async function newPair() {
  const client = await newClient(service(), { settings: { roles: ROLES, api_key_scopes: [WRITE] } })
  const { tokens: admin } = await client.signUpAdmin()
  const { tokens } = await client.signUp()
  return { client, bearer: admin.access_token, admin, person: tokens }
}

const write = (client: Client, bearer: string, id: string, json: object) =>
  client.call(`/v1/admin/users/${id}/metadata`, { method: 'PATCH', bearer, json })

describe('administration 4: metadata and external id', () => {
  test('are written by an administrator; what is absent stays', async () => {
    const { client, bearer, admin, person } = await newPair()
    const all = {
      external_id: 'customer-1',
      public_metadata: { theme: 'dark', list: [1, { deep: true }, null] },
      private_metadata: { plan: 'team', "o'brien": '💡' },
    }
    const first = await write(client, bearer, person.user.id, all)
    expect(first).toMatchObject({ status: 200, body: { user_id: person.user.id, ...all } })
    const second = await write(client, bearer, person.user.id, { external_id: null, private_metadata: {} })
    expect(second.body).toMatchObject({
      external_id: null,
      private_metadata: {},
      public_metadata: all.public_metadata,
    })
    const events = await service().sql(
      `select actor, data from events where subject = $1 and type = 'user.updated' order by id`,
      [person.user.id],
    )
    expect(events).toEqual([
      { actor: admin.user.id, data: { fields: ['external_id', 'private_metadata', 'public_metadata'] } },
      { actor: admin.user.id, data: { fields: ['external_id', 'private_metadata'] } },
    ])
  })

  test('are written by a key with the scope', async () => {
    const { client, person } = await newPair()
    const { key } = await plantApiKey(service(), client.tenant, null, { scopes: [WRITE] })
    expect((await write(client, key, person.user.id, { private_metadata: { plan: 'team' } })).status).toBe(
      200,
    )
    const { key: other } = await plantApiKey(service(), client.tenant, null, {
      scopes: ['latchkey:metadata:read'],
    })
    expectProblem(await write(client, other, person.user.id, { private_metadata: {} }), 'insufficient_scope')
  })

  test('an external id is of one account in a tenant, of fifty who want it at once', async () => {
    const { client, bearer } = await newPair()
    const people = await Promise.all([1, 2, 3, 4, 5].map(() => client.signUp()))
    const answers = await race(50, (index) =>
      write(client, bearer, people[index % 5]?.tokens.user.id ?? '', { external_id: 'the-one' }),
    )
    const holders = await service().sql('select id from users where tenant_id = $1 and external_id = $2', [
      client.tenant.id,
      'the-one',
    ])
    expect(holders).toHaveLength(1)
    expect(Object.keys(countBy(answers, ({ status }) => status)).toSorted()).toEqual(['200', '409'])
    const elsewhere = await newPair()
    const same = await write(elsewhere.client, elsewhere.bearer, elsewhere.person.user.id, {
      external_id: 'the-one',
    })
    expect(same.status).toBe(200)
  })

  test('that are too large, or cannot be stored as they are, are refused', async () => {
    const { client, bearer, person } = await newPair()
    const send = (json: object) => write(client, bearer, person.user.id, json)
    const text = (length: number) => ({ text: 'x'.repeat(length) })
    expect((await send({ public_metadata: text(4096 - '{"text":""}'.length) })).status).toBe(200)
    const wrong: [value: unknown, code: string][] = [
      [text(4096), 'too_long'],
      [{ text: '\u0000' }, 'invalid_characters'],
      [{ 'a\u0000': 1 }, 'invalid_characters'],
      [{ list: ['\ud800'] }, 'invalid_characters'],
      [{ number: 1e300 }, 'invalid_characters'],
    ]
    for (const [value, code] of wrong)
      for (const field of ['public_metadata', 'private_metadata'])
        expectInvalidInput(await send({ [field]: value }), { [`/${field}`]: code })
    for (const value of ['', 'a b', 'é', 'x'.repeat(129)])
      expect((await send({ external_id: value })).status).toBe(422)
    for (const json of [{}, { public_metadata: [] }, { public_metadata: null }, { public_metadata: 'x' }])
      expect((await send(json)).status, JSON.stringify(json)).toBe(422)
  })

  test('the owner reads and writes what is public, and no more (K01)', async () => {
    const { client, bearer, person } = await newPair()
    await write(client, bearer, person.user.id, { external_id: 'c-1', private_metadata: { plan: 'team' } })
    const me = (json?: object) =>
      client.call('/v1/me', { bearer: person.access_token, ...(json && { method: 'PATCH', json }) })
    const changed = await me({ public_metadata: { theme: 'dark' } })
    expect(changed.body).toMatchObject({ external_id: 'c-1', public_metadata: { theme: 'dark' } })
    expect(JSON.stringify((await me()).body)).not.toContain('team')
    for (const json of [{ private_metadata: {} }, { external_id: 'c-2' }, { roles: ['admin'] }])
      expect((await me(json)).status).toBe(422)
    const [row] = await service().sql(
      'select external_id, private_metadata, roles from users where id = $1',
      [person.user.id],
    )
    expect(row).toEqual({ external_id: 'c-1', private_metadata: { plan: 'team' }, roles: [] })
  })
})

describe('K03: metadata of one who may do more', () => {
  test('is not written by one who may do less', async () => {
    const { client, admin, person } = await newPair()
    const { tokens: editor } = await client.signUp()
    const give = (id: string, roles: string[]) =>
      service().sql('update users set roles = $2 where id = $1', [id, roles])
    await give(editor.user.id, ['editor'])
    const by = (id: string) => write(client, editor.access_token, id, { external_id: `of-${id}` })
    expectProblem(await by(admin.user.id), 'insufficient_role')
    for (const roles of [['other'], ['unheard-of'], ['editor', 'admin']]) {
      await give(person.user.id, roles)
      expectProblem(await by(person.user.id), 'insufficient_role')
    }
    const rows = await service().sql(
      'select external_id from users where tenant_id = $1 and external_id is not null',
      [client.tenant.id],
    )
    expect(rows).toEqual([])
    await give(person.user.id, ['editor'])
    expect((await by(person.user.id)).status).toBe(200)
  })
})
