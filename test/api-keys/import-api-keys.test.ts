/** POST /v1/admin/api-keys/import: keys of another system go on counting. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Client, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useService } from '../support/service.ts'

const service = useService()

everyRoute(service, 'importApiKeys')

const newForeignKey = () => `sk_live_${randomBytes(24).toString('base64url')}`
const digest = (key: string, form: 'hex' | 'base64' | 'base64url' = 'hex') =>
  createHash('sha256').update(key).digest(form)
const entry = (key: string, rest: object = {}) => ({
  ...{ sha256: digest(key), name: 'Old backup', scopes: ['orders:read'] },
  ...rest,
})

type Results = { results: { status: string; id?: string; code?: string }[] }

async function newImporter() {
  const client = await newClient(service())
  const { tokens } = await client.newAdmin()
  const send = (keys: object[]) =>
    client.call<Results>('/v1/admin/api-keys/import', { bearer: tokens.access_token, json: { keys } })
  return { client, tokens, send }
}

const verify = async (client: Client, key: string) =>
  (await client.call<Record<string, unknown>>('/v1/api-keys/verify', { json: { key } })).body

describe('administration 1: keys of another system', () => {
  test('count from their import on, whichever form their hash had, for the tenant or a person', async () => {
    const { client, send } = await newImporter()
    const { tokens: person } = await client.newAccount()
    const keys = [newForeignKey(), newForeignKey(), newForeignKey()] as const
    expect(await verify(client, keys[0])).toEqual({ valid: false })
    const { status, body } = await send([
      entry(keys[0]),
      entry(keys[1], { sha256: digest(keys[1], 'base64'), user_id: person.user.id }),
      entry(keys[2], { sha256: digest(keys[2], 'base64url') }),
    ])
    expect(status).toBe(200)
    expect(body.results).toEqual([1, 2, 3].map(() => ({ status: 'created', id: expect.any(String) })))
    const tenant = { type: 'tenant', id: client.tenant.id }
    const owners = [tenant, { type: 'user', id: person.user.id }, tenant]
    for (const [at, key] of keys.entries())
      expect(await verify(client, key)).toMatchObject({
        ...{ valid: true, key_id: body.results[at]?.id, scopes: ['orders:read'], owner: owners[at] },
      })
    expect(await verify(client, `${keys[0]}x`)).toEqual({ valid: false })
    expect(await verify(await newClient(service()), keys[0]), 'elsewhere').toEqual({ valid: false })
  })

  test('are imported once, also of many imports at once, and not again when they were revoked', async () => {
    const { client, tokens, send } = await newImporter()
    const keys = Array.from({ length: 5 }, newForeignKey)
    const answers = await race(10, () => send(keys.map((key) => entry(key))))
    const made = answers.flatMap(({ body }) => body.results).filter(({ status }) => status === 'created')
    expect(made).toHaveLength(5)
    const [{ id } = { id: '' }] = made
    const removed = await client.call(`/v1/api-keys/${id}`, { method: 'DELETE', bearer: tokens.access_token })
    expect(removed.status).toBe(204)
    const again = await send(keys.map((key) => entry(key)))
    expect(again.body.results.map(({ status }) => status)).toEqual(keys.map(() => 'exists'))
    const counting = await Promise.all(keys.map((key) => verify(client, key)))
    expect(counting.filter(({ valid }) => valid)).toHaveLength(4)
  })

  test('are rotated into one of ours, and the old one counts for the overlap', async () => {
    const { client, tokens, send } = await newImporter()
    const key = newForeignKey()
    const { body } = await send([entry(key)])
    const rotate = (overlap: number) =>
      client.call<{ key: string }>(`/v1/api-keys/${body.results[0]?.id}/rotate`, {
        bearer: tokens.access_token,
        json: { overlap_seconds: overlap },
      })
    const { body: rotated } = await rotate(600)
    expect(rotated.key).toMatch(/^lk_test_/)
    expect([(await verify(client, key)).valid, (await verify(client, rotated.key)).valid]).toEqual([
      true,
      true,
    ])
    const { body: last } = await rotate(0)
    expect([(await verify(client, key)).valid, (await verify(client, last.key)).valid]).toEqual([false, true])
  })

  test('open nothing of our own API', async () => {
    const { client, send } = await newImporter()
    const key = newForeignKey()
    await send([entry(key)])
    expectProblem(await client.call('/v1/webhooks', { bearer: key }), 'invalid_token')
  })

  test('that are short enough to be guessed never count', async () => {
    const { client, send } = await newImporter()
    const key = 'sk_0123456789abcdef' // 19 characters
    await send([entry(key)])
    expect(await verify(client, key)).toEqual({ valid: false })
  })
})

describe('refuses', () => {
  test('hashes of other kinds, scopes that the tenant does not declare, and owners of other tenants', async () => {
    const { send } = await newImporter()
    const key = newForeignKey()
    for (const sha256 of [
      '',
      key,
      digest(key).slice(1),
      createHash('sha1').update(key).digest('hex'),
      `${digest(key)}00`,
    ])
      expectInvalidInput(await send([entry(key, { sha256 })]), { '/keys/0/sha256': 'malformed_hash' })
    const undeclared = await send([entry(key), entry(newForeignKey(), { scopes: ['orders:refund'] })])
    expectInvalidInput(undeclared, { '/keys/1/scopes': 'unknown_scope' })
    const { tokens: foreign } = await (await newClient(service())).newAccount()
    const { body } = await send([entry(key, { user_id: foreign.user.id }), entry(newForeignKey())])
    expect(body.results).toEqual([
      { status: 'refused', code: 'unknown_user' },
      { status: 'created', id: expect.any(String) },
    ])
  })
})
