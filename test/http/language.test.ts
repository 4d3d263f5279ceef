/** The language that a browser prefers becomes the account's when it registers. */
import { describe, expect, test } from 'vitest'
import { preferredLanguage } from '../../src/http/language.ts'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

test.each([
  ['de', 'de'],
  ['de-CH, de;q=0.9, en;q=0.8', 'de-CH'],
  ['en;q=0.1, fr;q=0.5, de;q=0.5', 'fr'],
  ['DE-ch', 'de-CH'],
  ['*', null],
  ['*, de;q=0.5', 'de'],
  ['de;q=0, en;q=0.1', 'en'],
  ['de;q=0', null],
  ['de ; q=0.7 , en', 'en'],
  ['not_a_tag, x, de', 'de'],
  ['de;q=abc, en', 'en'],
  [`en-${'a'.repeat(8)}-${'b'.repeat(8)}-${'c'.repeat(8)}-${'d'.repeat(8)}, de`, 'de'],
  [`${'xx,'.repeat(10_000)}de`, 'xx'],
  ['<script>, "; drop table users; --', null],
  ['', null],
])('Accept-Language %j prefers %s', (header, tag) => {
  expect(preferredLanguage(new Headers({ 'accept-language': header }))).toBe(tag)
})

test('no header prefers nothing', () => {
  expect(preferredLanguage(new Headers())).toBeNull()
})

describe('a registration', () => {
  const service = useLentService()

  test('keeps it, and its answer is as it was', async () => {
    const client = await newClient(service())
    const headers = { 'accept-language': 'pt-br;q=0.9, de-at' }
    const { status, body } = await client.call<{ user: object; access_token: string }>('/v1/register', {
      json: { email: newEmail(), password: PASSWORD },
      headers,
    })
    expect(status).toBe(201)
    expect(body.user).not.toHaveProperty('locale')
    expect((await client.me(body.access_token)).body).toMatchObject({ ...body.user, locale: 'de-AT' })
  })

  test('that is repeated in another language is the same one', async () => {
    const client = await newClient(service())
    const json = { email: newEmail(), password: PASSWORD }
    const key = crypto.randomUUID()
    const once = (language: string) =>
      client.call<{ access_token: string }>('/v1/register', {
        json,
        headers: { 'accept-language': language, 'idempotency-key': key },
      })
    const first = await once('de')
    expect((await once('fr')).body).toEqual(first.body)
    expect((await client.me(first.body.access_token)).body).toMatchObject({ locale: 'de' })
  })
})
