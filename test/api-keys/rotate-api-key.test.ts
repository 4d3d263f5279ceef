/** POST /v1/api-keys/{id}/rotate: a new secret, beside the one before for a while. */
import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { useLentService } from '../support/service.ts'
import { ageSignIn } from '../support/sessions.ts'

const service = useLentService()

type Client = Awaited<ReturnType<typeof newClient>>

const rotate = (client: Client, bearer: string, id: string, json?: object) =>
  client.call<{ key: string }>(`/v1/api-keys/${id}/rotate`, { method: 'POST', bearer, ...(json && { json }) })

const isValid = async (client: Client, key: string) =>
  (await client.call<{ valid: boolean }>('/v1/api-keys/verify', { json: { key } })).body.valid

describe('accepts', () => {
  test('both count for a day, and the new one alone after that', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { id, key } = await client.plantedApiKey(tokens)
    const { status, body } = await rotate(client, tokens.access_token, id)
    expect(status).toBe(200)
    expect([await isValid(client, key), await isValid(client, body.key)]).toEqual([true, true])
    await service().sql(
      `update api_keys set previous_expires_at = now() - interval '1 second' where id = $1`,
      [id],
    )
    expect([await isValid(client, key), await isValid(client, body.key)]).toEqual([false, true])
  })

  test('with an overlap of 0 the one before counts no more', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { id, key } = await client.plantedApiKey(tokens)
    await rotate(client, tokens.access_token, id, { overlap_seconds: 0 })
    expect(await isValid(client, key)).toBe(false)
  })

  test('of many at once, two keys count at the end: the last one and the one before it', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    const { id, key } = await client.plantedApiKey(tokens)
    const bearers = [tokens, await client.signIn(email), await client.signIn(email)].map(
      (one) => one.access_token,
    )
    const rotated = await Promise.all(
      bearers.flatMap((bearer) => Array.from({ length: 17 }, () => rotate(client, bearer, id))),
    )
    const keys = [key, ...rotated.flatMap(({ body }) => body.key ?? [])]
    expect(keys.length).toBe(52)
    const valid = await Promise.all(keys.map((one) => isValid(client, one)))
    expect(valid.filter(Boolean)).toHaveLength(2)
  })
})

describe('refuses', () => {
  test('an old authentication', async () => {
    const client = await newClient(service())
    const tokens = await ageSignIn(service(), client, (await client.signUp()).tokens)
    const { id, key } = await client.plantedApiKey(tokens)
    expect((await rotate(client, tokens.access_token, id)).status).toBe(401)
    expect(await isValid(client, key)).toBe(true)
  })

  test("an administrator, who would act for its owner with the new secret of a person's key", async () => {
    const client = await newClient(service())
    const { tokens: admin } = await client.signUpAdmin()
    const { tokens } = await client.signUp()
    const { id, key } = await client.plantedApiKey(tokens)
    expect((await rotate(client, admin.access_token, id)).status).toBe(404)
    expect(await isValid(client, key)).toBe(true)
  })

  test.each([-1, 7 * 86_400 + 1, 1.5, '60'])('an overlap of %s', async (overlap) => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { id } = await client.plantedApiKey(tokens)
    expect((await rotate(client, tokens.access_token, id, { overlap_seconds: overlap })).status).toBe(422)
  })
})
