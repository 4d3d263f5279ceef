/** PATCH /v1/api-keys/{id}: its name, for its owner. */
import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const rename = (client: Awaited<ReturnType<typeof newClient>>, bearer: string, id: string) =>
  client.call<{ name: string }>(`/v1/api-keys/${id}`, { method: 'PATCH', bearer, json: { name: 'Nightly' } })

describe('accepts', () => {
  test("a name for one's own key, and by an administrator for the tenant's", async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUpAdmin()
    for (const { id } of [
      await client.plantedApiKey(tokens),
      await plantApiKey(service(), client.tenant, null),
    ])
      expect(await rename(client, tokens.access_token, id)).toMatchObject({
        status: 200,
        body: { name: 'Nightly' },
      })
  })
})

describe('refuses', () => {
  test("K05: anyone else's, the tenant's to who is no administrator, and what is there no more", async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { tokens: other } = await client.signUp()
    const mine = await client.plantedApiKey(tokens)
    const ids = [
      (await client.plantedApiKey(other)).id,
      (await plantApiKey(service(), client.tenant, null)).id,
      mine.id,
      'x',
    ]
    await service().sql('update api_keys set revoked_at = now() where id = $1', [mine.id])
    for (const id of ids) expect((await rename(client, tokens.access_token, id)).status).toBe(404)
  })
})
