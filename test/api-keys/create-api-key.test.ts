/** POST /v1/api-keys: a key for a program that acts for its owner. */
import { describe, expect, test } from 'vitest'
import { type Client, newClient } from '../support/client.ts'
import { useLentService } from '../support/service.ts'
import { ageSignIn } from '../support/sessions.ts'

const service = useLentService()

type Made = { id: string; key: string; owner: string; scopes: string[]; expires_at: string | null }
const GOOD = { name: 'Backup', scopes: ['orders:read'] }

const create = (client: Client, bearer: string, json: object = GOOD, headers: Record<string, string> = {}) =>
  client.call<Made & { errors?: { pointer: string; code: string }[] }>('/v1/api-keys', {
    bearer,
    json,
    headers,
  })

const countOf = async (tenant: string) =>
  (
    await service().sql<{ count: number }>('select count(*)::int from api_keys where tenant_id = $1', [
      tenant,
    ])
  )[0]?.count

describe('accepts', () => {
  test("a person's key, shown once, which counts from then on", async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const { status, body } = await create(client, tokens.access_token)
    expect({ status, ...body }).toMatchObject({ status: 201, ...GOOD, owner: 'user', expires_at: null })
    expect(body.key).toMatch(/^lk_test_[0-9a-f]{32}_[0-9A-Za-z]{49}$/)
    const verified = await client.call('/v1/api-keys/verify', { json: { key: body.key } })
    expect(verified.body).toMatchObject({ valid: true, key_id: body.id })
    const listed = await client.call<{ data: object[] }>('/v1/api-keys', { bearer: tokens.access_token })
    expect(listed.body.data).toMatchObject([{ id: body.id }])
    expect(JSON.stringify(listed.body)).not.toContain(body.key)
  })

  test("an administrator's, for the tenant", async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    const { status, body } = await create(client, tokens.access_token, { ...GOOD, owner: 'tenant' })
    expect({ status, owner: body.owner }).toEqual({ status: 201, owner: 'tenant' })
  })

  test('a repeat with the same Idempotency-Key gets the same key, and another body is refused', async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const headers = { 'idempotency-key': crypto.randomUUID() }
    const first = await create(client, tokens.access_token, GOOD, headers)
    const again = await create(client, tokens.access_token, GOOD, headers)
    expect(again.body).toEqual(first.body)
    expect((await create(client, tokens.access_token, { ...GOOD, name: 'Other' }, headers)).status).toBe(422)
    expect(await countOf(client.tenant.id)).toBe(1)
  })
})

describe('refuses', () => {
  test('a scope that the tenant has not declared, and an end that is over', async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const json = { ...GOOD, scopes: ['orders:read', 'admin'], expires_at: '2020-01-01T00:00:00Z' }
    const { status, body } = await create(client, tokens.access_token, json)
    expect({ status, errors: body.errors }).toEqual({
      status: 422,
      errors: [
        { pointer: '/scopes/1', code: 'unknown_scope' },
        { pointer: '/expires_at', code: 'in_the_past' },
      ],
    })
  })

  test('K11: any key at all while the tenant has declared no scopes', async () => {
    const client = await newClient(service(), { settings: { api_key_scopes: [] } })
    const { tokens } = await client.newAccount()
    expect((await create(client, tokens.access_token)).status).toBe(422)
    expect((await create(client, tokens.access_token, { ...GOOD, scopes: [] })).status).toBe(422)
  })

  test('L01: a key for the tenant from who is no administrator, and fields that name another owner', async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    expect((await create(client, tokens.access_token, { ...GOOD, owner: 'tenant' })).status).toBe(403)
    for (const field of ['user_id', 'tenant_id', 'rate'])
      expect((await create(client, tokens.access_token, { ...GOOD, [field]: tokens.user.id })).status).toBe(
        422,
      )
    expect(await countOf(client.tenant.id)).toBe(0)
  })

  test('an old authentication', async () => {
    const client = await newClient(service())
    const tokens = await ageSignIn(service(), client, (await client.newAccount()).tokens)
    const { status, body } = await create(client, tokens.access_token)
    expect({ status, body }).toMatchObject({
      status: 401,
      body: { code: 'insufficient_user_authentication' },
    })
  })

  test('K15: the twenty-sixth of one person, also when many are asked for at once', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await service().sql(
      `insert into api_keys (id, tenant_id, user_id, name, scopes, hash)
       select gen_random_uuid(), $1, $2, 'x', '{}', sha256(n::text::bytea) from generate_series(1, 20) as n`,
      [client.tenant.id, tokens.user.id],
    )
    // As many as one session may ask for, from each of three.
    const bearers = [tokens, await client.signIn(email), await client.signIn(email)].map(
      (one) => one.access_token,
    )
    const answers = await Promise.all(
      bearers.flatMap((bearer) => Array.from({ length: 17 }, () => create(client, bearer))),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
    expect(answers.find(({ status }) => status !== 201)?.body).toMatchObject({ code: 'too_many_api_keys' })
    expect(await countOf(client.tenant.id)).toBe(25)
    const [told] = await service().sql(
      `select count(*)::int as events from events where tenant_id = $1 and type = 'api_key.created'`,
      [client.tenant.id],
    )
    expect(told).toEqual({ events: 5 })
  })
})
