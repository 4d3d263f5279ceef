/** POST /v1/api-keys/verify: a product asks whether a key counts. */
import { describe, expect, test } from 'vitest'
import { hashApiKey, newApiKey, parseApiKey } from '../../src/guard/api-key.ts'
import { type Client, newClient } from '../support/client.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const verify = (client: Client, key: string, scopes?: string[]) =>
  client.call<Record<string, unknown>>('/v1/api-keys/verify', { json: { key, ...(scopes && { scopes }) } })

async function newKey() {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  return { client, tokens, ...(await client.plantedApiKey(tokens)) }
}

const set = (id: string, what: string) => service().sql(`update api_keys set ${what} where id = $1`, [id])
const lastUseOf = async (id: string) =>
  (
    await service().sql<{ at: string | null }>(
      'select last_used_at::text as at from api_keys where id = $1',
      [id],
    )
  )[0]?.at

describe('accepts', () => {
  test("a person's key, and says whose it is and what for", async () => {
    const { client, tokens, id, key } = await newKey()
    const { status, body } = await verify(client, key)
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        ...{ valid: true, key_id: id, scopes: ['orders:read'], expires_at: null },
        owner: { type: 'user', id: tokens.user.id },
      },
    })
  })

  test("the tenant's key", async () => {
    const client = await newClient(service())
    const { key } = await plantApiKey(service(), client.tenant, null)
    const { body } = await verify(client, key)
    expect(body).toMatchObject({ valid: true, owner: { type: 'tenant', id: client.tenant.id } })
  })

  test('scopes that it has, all of them', async () => {
    const { client, key } = await newKey()
    expect((await verify(client, key, ['orders:read'])).body).toMatchObject({ valid: true })
    expect((await verify(client, key, ['orders:read', 'orders:write'])).body).toEqual({ valid: false })
  })

  test('and notes the use once in ten minutes, after the answer', async () => {
    const { client, id, key } = await newKey()
    await verify(client, key)
    await expect.poll(() => lastUseOf(id)).toBeTruthy()
    const noted = await lastUseOf(id)
    await Promise.all(Array.from({ length: 5 }, () => verify(client, key)))
    expect(await lastUseOf(id)).toBe(noted)
    await set(id, `last_used_at = now() - interval '11 minutes'`)
    await verify(client, key)
    await expect.poll(async () => ((await lastUseOf(id)) ?? '') > (noted ?? '')).toBe(true)
  })
})

describe('refuses, with one and the same answer', () => {
  test.each([
    ['a key that was revoked', 'revoked_at = now()'],
    ['a key that has ended', `expires_at = now() - interval '1 second'`],
    ['a key that was replaced', `hash = sha256('other')`],
    [
      'the one before, once its time is over',
      `hash = sha256('other'), previous_hash = hash, previous_expires_at = now() - interval '1 second'`,
    ],
  ])('L03: %s', async (_, what) => {
    const { client, id, key } = await newKey()
    await set(id, what)
    const { status, body } = await verify(client, key)
    expect({ status, body }).toEqual({ status: 200, body: { valid: false } })
  })

  test.each([
    ['disabled', `status = 'disabled'`],
    ['closed', 'deleted_at = now()'],
  ])('L03: a key of an account that is %s', async (_, what) => {
    const { client, tokens, key } = await newKey()
    await service().sql(`update users set ${what} where id = $1`, [tokens.user.id])
    expect((await verify(client, key)).body).toEqual({ valid: false })
  })

  test('K05: a key of another tenant', async () => {
    const { key } = await newKey()
    expect((await verify(await newClient(service()), key)).body).toEqual({ valid: false })
  })

  test('L02: an unknown id, and a known id with another secret', async () => {
    const { client, id } = await newKey()
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
    for (const other of [id, '01922c3e-7a51-7c4e-9f0a-3b6d5c8e2f10'])
      expect((await verify(client, newApiKey('local', other, random))).body).toEqual({ valid: false })
  })

  test('L06: what is not exactly a key, without a trip', async () => {
    const { client, key } = await newKey()
    const before = service().trips()
    const swapped = key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a')
    const wrong = [
      key.slice(0, -1),
      `${key} `,
      ` ${key}`,
      key.toUpperCase(),
      `${key},${key}`,
      key.slice(0, 40),
      swapped,
      '',
    ]
    for (const one of wrong) expect((await verify(client, one)).body, one).toEqual({ valid: false })
    expect(service().trips()).toEqual(before)
  })

  test('L05: a key in the query', async () => {
    const { client, key } = await newKey()
    const { status } = await client.call(`/v1/api-keys/verify?key=${key}`, { method: 'POST', json: {} })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(service().logs().join('\n')).not.toContain(key)
  })
})

describe('the form', () => {
  test('a key says its id, and only a hash of it is stored', async () => {
    const { id, key } = await newKey()
    expect(parseApiKey(key)?.id).toBe(id)
    const [row] = await service().sql('select * from api_keys where id = $1', [id])
    expect(JSON.stringify(row)).not.toContain(key.slice(-49, -6))
    expect(Buffer.from(row?.hash as Uint8Array)).toEqual(Buffer.from(await hashApiKey(key as never)))
  })

  test('no two of ten thousand are alike, and every character comes as often', () => {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
    const counts = new Map<string, number>()
    const secrets = Array.from({ length: 10_000 }, () =>
      newApiKey('local', crypto.randomUUID(), random).slice(-49, -6),
    )
    for (const character of secrets.join('')) counts.set(character, (counts.get(character) ?? 0) + 1)
    expect(new Set(secrets).size).toBe(10_000)
    expect(counts.size).toBe(62)
    const expected = (10_000 * 43) / 62
    for (const count of counts.values()) expect(Math.abs(count - expected)).toBeLessThan(expected * 0.1)
  })
})
