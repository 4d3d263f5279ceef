/** DELETE /v1/api-keys/{id}: it counts for nothing from then on. */
import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

type Client = Awaited<ReturnType<typeof newClient>>

const revoke = (client: Client, bearer: string, id: string) =>
  client.call(`/v1/api-keys/${id}`, { method: 'DELETE', bearer })

const isValid = async (client: Client, key: string) =>
  (await client.call<{ valid: boolean }>('/v1/api-keys/verify', { json: { key } })).body.valid

describe('accepts', () => {
  test('the owner, at once, and the one before a rotation too', async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const { id, key } = await client.plantedApiKey(tokens)
    const bearer = tokens.access_token
    const { body } = await client.call<{ key: string }>(`/v1/api-keys/${id}/rotate`, {
      method: 'POST',
      bearer,
    })
    expect((await revoke(client, bearer, id)).status).toBe(204)
    expect([await isValid(client, key), await isValid(client, body.key)]).toEqual([false, false])
    expect((await revoke(client, bearer, id)).status).toBe(404)
  })

  test("an administrator, a person's key and the tenant's", async () => {
    const client = await newClient(service())
    const { tokens: admin } = await client.newAdmin()
    const { tokens } = await client.newAccount()
    for (const { id, key } of [
      await client.plantedApiKey(tokens),
      await plantApiKey(service(), client.tenant, null),
    ]) {
      expect((await revoke(client, admin.access_token, id)).status).toBe(204)
      expect(await isValid(client, key)).toBe(false)
    }
  })
})

describe('refuses', () => {
  test("K05: anyone else's, also an administrator of another tenant", async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const { id, key } = await client.plantedApiKey(tokens)
    const { tokens: other } = await client.newAccount()
    expect((await revoke(client, other.access_token, id)).status).toBe(404)
    const elsewhere = await newClient(service())
    const { tokens: admin } = await elsewhere.newAdmin()
    expect((await revoke(elsewhere, admin.access_token, id)).status).toBe(404)
    expect(await isValid(client, key)).toBe(true)
  })
})
