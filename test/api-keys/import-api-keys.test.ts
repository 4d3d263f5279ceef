/** POST /v1/admin/api-keys/import: keys of another system go on counting. */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import { apiKeysCommand } from '../../ops/api-keys.ts'
import { type Client, newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { runInProcess } from '../support/operator-command.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

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

describe('administration 1: keys of a system that stored HMACs', () => {
  const SECRET = 'the secret of the other system'
  const hmac = (key: string, secret = SECRET) => createHmac('sha256', secret).update(key).digest('hex')
  const byHmac = (key: string, name = 'old', secret = SECRET) =>
    entry(key, { sha256: undefined, hmac_sha256: { key: name, hash: hmac(key, secret) } })

  /** `npm run api-keys`, with an HMAC key on stdin. */
  const apiKeys = ({ tenant }: Client, words: string[], stdin = `${SECRET}\n`) =>
    runInProcess(
      (ctx, given, out) => apiKeysCommand(ctx, given, out, async () => stdin),
      service().operator,
      [...words, '--tenant', tenant.slug],
    )

  const storedOf = (id: string | undefined) =>
    service().sql<{ hash: Buffer; previous_hash: Buffer | null; foreign_secret_id: string | null }>(
      'select hash, previous_hash, foreign_secret_id from api_keys where id = $1',
      [id],
    )

  async function newHmacImporter() {
    const importer = await newImporter()
    expect((await apiKeys(importer.client, ['add-secret', 'old'])).status).toBe(0)
    const key = newForeignKey()
    const { body } = await importer.send([byHmac(key)])
    expect(body.results).toEqual([{ status: 'created', id: expect.any(String) }])
    return { ...importer, key, id: body.results[0]?.id }
  }

  test('count from their first use on, which takes one more trip and leaves our own form of the hash', async () => {
    const { client, key, id } = await newHmacImporter()
    const first = await client.call('/v1/api-keys/verify', { json: { key } })
    expect(first).toMatchObject({ body: { valid: true, key_id: id }, trips: { postgres: 2, redis: 1 } })
    await vi.waitFor(async () => {
      const [row] = await storedOf(id)
      expect(row?.hash.toString('hex')).toBe(digest(key))
      expect(row?.foreign_secret_id).toBeNull()
    })
    const second = await client.call('/v1/api-keys/verify', { json: { key } })
    expect(second).toMatchObject({ body: { valid: true, key_id: id }, trips: { postgres: 1, redis: 1 } })
    const none = await client.call('/v1/api-keys/verify', { json: { key: newForeignKey() } })
    expect(none, 'no key needs the secret any more').toMatchObject({
      ...{ body: { valid: false }, trips: { postgres: 1, redis: 1 } },
    })
  })

  test('of fifty first uses at once all are told so, and the hash is moved once', async () => {
    const { client, key, id } = await newHmacImporter()
    const answers = await race(50, () => client.call('/v1/api-keys/verify', { json: { key } }))
    expect(answers.filter(({ body }) => body.valid === true)).toHaveLength(50)
    await vi.waitFor(async () => expect((await storedOf(id))[0]?.hash.toString('hex')).toBe(digest(key)))
  })

  test('another key, another secret, another tenant and the hash itself are none of it', async () => {
    const { client, key } = await newHmacImporter()
    const elsewhere = await newHmacImporter()
    for (const presented of [newForeignKey(), `${key}x`, hmac(key), digest(key), SECRET])
      expect(await verify(client, presented)).toEqual({ valid: false })
    expect(await verify(elsewhere.client, key)).toEqual({ valid: false })
    const other = newForeignKey()
    await elsewhere.send([byHmac(other, 'old', 'a secret that the operator did not give')])
    expect(await verify(elsewhere.client, other)).toEqual({ valid: false })
  })

  test('that were revoked, are over or were imported with an end before their first use do not count', async () => {
    const { client, tokens, key, id } = await newHmacImporter()
    await client.call(`/v1/api-keys/${id}`, { method: 'DELETE', bearer: tokens.access_token })
    expect(await verify(client, key)).toEqual({ valid: false })
    const over = await newHmacImporter()
    await service().sql(`update api_keys set expires_at = now() where id = $1`, [over.id])
    expect(await verify(over.client, over.key)).toEqual({ valid: false })
  })

  test('rotated before their first use, the old one counts for the overlap', async () => {
    const { client, tokens, key, id } = await newHmacImporter()
    const { body: rotated } = await client.call<{ key: string }>(`/v1/api-keys/${id}/rotate`, {
      bearer: tokens.access_token,
      json: { overlap_seconds: 600 },
    })
    expect(await verify(client, rotated.key)).toMatchObject({ valid: true })
    expect(await verify(client, key)).toMatchObject({ valid: true, key_id: id })
    await vi.waitFor(async () =>
      expect((await storedOf(id))[0]?.previous_hash?.toString('hex')).toBe(digest(key)),
    )
    expect(await verify(client, rotated.key), 'the new one is what it was').toMatchObject({ valid: true })
  })

  test('are refused where the operator has given no such HMAC key, and with both hashes or none', async () => {
    const { client, send } = await newImporter()
    const key = newForeignKey()
    const { body } = await send([byHmac(key), entry(newForeignKey())])
    expect(body.results).toMatchObject([
      { status: 'refused', code: 'unknown_hmac_key' },
      { status: 'created' },
    ])
    const both = { ...byHmac(key), sha256: digest(key) }
    for (const wrong of [both, entry(key, { sha256: undefined })])
      expectInvalidInput(await send([wrong]), { '/keys/0/sha256': 'exactly_one_hash' })
    expect(await verify(client, key)).toEqual({ valid: false })
  })

  test('the HMAC key is stored sealed, under its name once, four of them at most, and goes with the keys that need it', async () => {
    const { client, key, id } = await newHmacImporter()
    const secrets = await service().sql<{ sealed_secret: string }>(
      'select sealed_secret from foreign_key_secrets where tenant_id = $1',
      [client.tenant.id],
    )
    expect(secrets).toHaveLength(1)
    expect(secrets[0]?.sealed_secret).toMatch(/^[\w-]+\.[\w-]{16}\.[\w-]+$/)
    expect(secrets[0]?.sealed_secret).not.toContain(Buffer.from(SECRET).toString('base64url'))
    const again = await apiKeys(client, ['add-secret', 'old'])
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('already') })
    for (const [name, status] of [
      ['two', 0],
      ['three', 0],
      ['four', 0],
      ['five', 1],
    ] as const)
      expect((await apiKeys(client, ['add-secret', name])).status, name).toBe(status)
    const list = JSON.parse((await apiKeys(client, ['list', '--json'])).stdout)
    expect(list).toContainEqual(expect.objectContaining({ name: 'old', unused: 1 }))
    expect(JSON.stringify(list)).not.toContain('secret')
    expect(await apiKeys(client, ['remove-secret', 'old'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('1 imported keys were not used yet'),
    })
    expect(await verify(client, key)).toMatchObject({ valid: true, key_id: id })
    await vi.waitFor(async () => expect((await storedOf(id))[0]?.foreign_secret_id).toBeNull())
    expect((await apiKeys(client, ['remove-secret', 'old'])).status, 'nothing needs it').toBe(0)
    expect(await verify(client, key)).toMatchObject({ valid: true })
  })

  test('the HMAC key is read as it is written: a text, hexadecimal digits or base64', async () => {
    const { client, send } = await newImporter()
    const bytes = randomBytes(32)
    for (const encoding of ['hex', 'base64'] as const) {
      const added = await apiKeys(client, ['add-secret', encoding, `--${encoding}`], bytes.toString(encoding))
      expect(added.status).toBe(0)
      const key = newForeignKey()
      const hash = createHmac('sha256', bytes).update(key).digest('base64')
      await send([entry(key, { sha256: undefined, hmac_sha256: { key: encoding, hash } })])
      expect(await verify(client, key), encoding).toMatchObject({ valid: true })
    }
    for (const [word, stdin] of [
      ['--hex', 'xyz'],
      ['--base64', 'ä'],
      ['--hex', ''],
      ['--json', '\n'],
    ] as const) {
      const { status, stderr } = await apiKeys(client, ['add-secret', 'wrong', word], stdin)
      expect({ status, tells: stdin !== '' && stdin !== '\n' && stderr.includes(stdin) }).toEqual({
        ...{ status: 1, tells: false },
      })
    }
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
