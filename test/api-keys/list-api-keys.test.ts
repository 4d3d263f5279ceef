/** GET /v1/api-keys: what an owner has, page by page. */
import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

type Page = { data: { id: string; owner: string }[]; next_cursor: string | null }

describe('accepts', () => {
  test('shows the caller their own, newest first, a page at a time', async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const { tokens: other } = await client.newAccount()
    await client.plantedApiKey(other)
    await plantApiKey(service(), client.tenant, null)
    const ids = [(await client.plantedApiKey(tokens)).id, (await client.plantedApiKey(tokens)).id]
      .toSorted()
      .toReversed()
    const list = (query: string) =>
      client.call<Page>(`/v1/api-keys?limit=1${query}`, { bearer: tokens.access_token })
    const first = await list('')
    const second = await list(`&cursor=${first.body.next_cursor}`)
    expect([...first.body.data, ...second.body.data].map(({ id }) => id)).toEqual(ids)
    expect(second.body.next_cursor).toBeNull()
  })

  test("shows an administrator the tenant's, and no person's", async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    await client.plantedApiKey(tokens)
    const { id } = await plantApiKey(service(), client.tenant, null)
    await plantApiKey(service(), (await newClient(service())).tenant, null)
    const { body } = await client.call<Page>('/v1/api-keys?owner=tenant', { bearer: tokens.access_token })
    expect(body.data).toMatchObject([{ id, owner: 'tenant' }])
  })
})

describe('refuses', () => {
  test("the tenant's to who is no administrator", async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const { status } = await client.call('/v1/api-keys?owner=tenant', { bearer: tokens.access_token })
    expect(status).toBe(403)
  })

  test("a cursor of the other owner's list", async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    for (let count = 0; count < 2; count++) await client.plantedApiKey(tokens)
    const bearer = tokens.access_token
    const { body } = await client.call<Page>('/v1/api-keys?limit=1', { bearer })
    const { status } = await client.call(`/v1/api-keys?owner=tenant&cursor=${body.next_cursor}`, { bearer })
    expect(status).toBe(422)
  })
})
