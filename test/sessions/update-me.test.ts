import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput } from '../support/expect.ts'
import { useService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useService()

everyRoute(service, {
  method: 'PATCH',
  path: '/v1/me',
  allow: 'GET, HEAD, PATCH',
  caller: 'bearer',
  json: { name: 'Ada' },
})

async function newAccount() {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  const rename = (json: unknown) =>
    client.call('/v1/me', { method: 'PATCH', json, bearer: tokens.access_token })
  return { client, tokens, rename }
}

describe('accepts', () => {
  test('changes the name, and takes it away with null', async () => {
    const { client, tokens, rename } = await newAccount()
    const answer = await rename({ name: ' Ada Lovelace ' })
    expect(answer).toMatchObject({ status: 200, body: { ...tokens.user, name: 'Ada Lovelace' } })
    expectCommonHeaders(answer)
    expect((await client.me(tokens.access_token)).body).toEqual(answer.body)
    expect((await rename({ name: null })).body).toEqual(tokens.user)
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'user.updated': 2 })
  })

  test('keeps any text a name can be, as text', async () => {
    const { rename } = await newAccount()
    for (const name of [
      '李小龍',
      "O'Brien",
      '<b>bold</b>',
      "'; drop table users; --",
      '👩‍🚀',
      'x'.repeat(200),
    ])
      expect(await rename({ name })).toMatchObject({ status: 200, body: { name } })
  })
})

describe('refuses', () => {
  test('a body without a name', async () => {
    const { rename } = await newAccount()
    expectInvalidInput(await rename({}), { '/name': 'missing' })
  })

  test.each([
    ['blank', '   ', 'too_short'],
    ['longer than 200', 'x'.repeat(201), 'too_long'],
    ['with a line break', 'a\nb', 'invalid_characters'],
    ['with a line separator', 'a\u2028b', 'invalid_characters'],
    ['with a NUL', 'a\0b', 'invalid_characters'],
    ['with a lone surrogate', 'a\udc00b', 'invalid_characters'],
  ])('a name that is %s', async (_, name, code) => {
    const { rename } = await newAccount()
    expectInvalidInput(await rename({ name }), { '/name': code })
  })
})

describe('attacks', () => {
  test('nobody makes themselves verified, an admin, or somebody else (CASES B14, C10)', async () => {
    const { client, tokens, rename } = await newAccount()
    const wishes = { email_verified: true, roles: ['admin'], id: crypto.randomUUID(), email: 'x@example.com' }
    for (const [field, value] of Object.entries(wishes))
      expectInvalidInput(await rename({ name: 'Ada', [field]: value }), { [`/${field}`]: 'unknown_field' })
    expect((await client.me(tokens.access_token)).body).toEqual(tokens.user)
  })

  test("changes nobody else's name", async () => {
    const { client, rename } = await newAccount()
    const { tokens: neighbour } = await client.newAccount()
    await rename({ name: 'Ada' })
    expect((await client.me(neighbour.access_token)).body.name).toBeNull()
  })
})
