import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService()

everyRoute(service, {
  method: 'PATCH',
  path: '/v1/me',
  allow: 'GET, HEAD, PATCH, DELETE',
  caller: 'bearer',
  json: { name: 'Ada' },
})

/** What a person is about themselves who has said nothing. */
const UNSET = { locale: null, operational_mail: true, external_id: null, public_metadata: {} }

async function newAccount() {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
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
    expect((await rename({ name: null })).body).toEqual({ ...tokens.user, ...UNSET })
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

describe('accepts a locale', () => {
  test('in canonical form, beside the name or alone, and takes it away with null', async () => {
    const { client, tokens, rename } = await newAccount()
    const both = await rename({ name: 'Ada', locale: 'DE-ch' })
    expect(both).toMatchObject({ status: 200, body: { name: 'Ada', locale: 'de-CH' } })
    expect((await client.me(tokens.access_token)).body).toEqual(both.body)
    expect((await rename({ locale: 'zh-hant-TW' })).body).toMatchObject({ name: 'Ada', locale: 'zh-Hant-TW' })
    expect((await rename({ locale: null })).body).toMatchObject({ name: 'Ada', locale: null })
    expect((await rename({ name: null })).body).toEqual({ ...tokens.user, ...UNSET })
  })

  test('and records which of the two changed', async () => {
    const { tokens, rename } = await newAccount()
    for (const changes of [{ name: 'Ada', locale: 'de' }, { locale: 'en' }, { name: null }])
      await rename(changes)
    const rows = await service().sql<{ fields: string[] }>(
      `select data -> 'fields' as fields from events where type = 'user.updated' and subject = $1 order by id`,
      [tokens.user.id],
    )
    expect(rows.map(({ fields }) => fields)).toEqual([['name', 'locale'], ['locale'], ['name']])
  })
})

describe('accepts operational_mail', () => {
  test('false and true, and leaves it as it is otherwise', async () => {
    const { client, tokens, rename } = await newAccount()
    expect(await rename({ operational_mail: false })).toMatchObject({
      status: 200,
      body: { operational_mail: false, name: null },
    })
    expect((await rename({ name: 'Ada' })).body).toMatchObject({ operational_mail: false, name: 'Ada' })
    expect((await client.me(tokens.access_token)).body).toMatchObject({ operational_mail: false })
    expect((await rename({ operational_mail: true })).body).toMatchObject({ operational_mail: true })
  })
})

describe('refuses', () => {
  test.each([null, 'false', 0, [], {}])('operational_mail that is %j', async (value) => {
    const { rename } = await newAccount()
    expectInvalidInput(await rename({ operational_mail: value }), { '/operational_mail': 'wrong_type' })
  })

  test('a body that changes nothing', async () => {
    const { rename } = await newAccount()
    expectInvalidInput(await rename({}), { '': 'missing' })
  })

  test.each([
    ['no tag', 'deutsch!', 'invalid_language'],
    ['empty', '', 'invalid_language'],
    ['with an underscore', 'de_CH', 'invalid_language'],
    ['longer than 35', `en-${'a'.repeat(8)}-x-${'b'.repeat(30)}`, 'too_long'],
    ['longer than 35 once it is canonical', 'en-Latn-US-u-ca-islamicc-hc-h23-x-a', 'invalid_language'],
    ['a number', 1, 'wrong_type'],
    ['a list', ['de'], 'wrong_type'],
  ])('a locale that is %s', async (_, locale, code) => {
    const { rename } = await newAccount()
    expectInvalidInput(await rename({ locale }), { '/locale': code })
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
  test('no caller makes themselves verified, an admin, or someone else (CASES B14, C10)', async () => {
    const { client, tokens, rename } = await newAccount()
    const wishes = { email_verified: true, roles: ['admin'], id: crypto.randomUUID(), email: 'x@example.com' }
    for (const [field, value] of Object.entries(wishes))
      expectInvalidInput(await rename({ name: 'Ada', [field]: value }), { [`/${field}`]: 'unknown_field' })
    expect((await client.me(tokens.access_token)).body).toEqual({ ...tokens.user, ...UNSET })
  })

  test("changes no one else's name", async () => {
    const { client, rename } = await newAccount()
    const { tokens: neighbour } = await client.signUp()
    await rename({ name: 'Ada' })
    expect((await client.me(neighbour.access_token)).body.name).toBeNull()
  })
})
