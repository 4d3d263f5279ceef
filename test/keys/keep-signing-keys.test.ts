/** The signing keys by the hour: made, published, changed when they are old enough, and never while someone notices. */
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { beforeEach, describe, expect, test } from 'vitest'
import { createClient, newClient, newEmail, race, type Tokens } from '../support/client.ts'
import { HOURLY, runHourly } from '../support/hourly.ts'
import { useService } from '../support/service.ts'

const service = useService()
const elsewhere = useService({ workers: ['session'], beside: () => service() })

const sql = (text: string, values: unknown[] = []) => service().sql(text, values)

type Key = { kid: string; state: string }
const keys = async () =>
  (await sql(`select kid, state from signing_keys order by state, created_at`)) as Key[]
const kidOf = (state: string, all: Key[]) => all.find((key) => key.state === state)?.kid

const age = (state: string, column: string, interval: string) =>
  sql(`update signing_keys set ${column} = now() - $2::interval where state = $1`, [state, interval])

const outcome = async () => (await runHourly(service()))['signing keys checked']?.outcome

/** As after the first hour: one key signs, one is published, both are young. */
beforeEach(async () => {
  await runHourly(service())
  await sql(`delete from signing_keys where state = 'retired'`)
  await sql('update signing_keys set created_at = now()')
  await sql(`update signing_keys set activated_at = now() where state = 'current'`)
})

describe('a rotation', () => {
  test('publishes the next key at once, and lets it sign when the current one has signed for 90 days', async () => {
    await sql(`delete from signing_keys where state = 'next'`)
    const [first] = await keys()
    expect(await outcome()).toBe('published')
    expect(await outcome()).toBe('too_early')
    await age('next', 'created_at', '89 days 23 hours')
    await age('current', 'activated_at', '89 days 23 hours')
    expect(await outcome(), 'an hour too young').toBe('too_early')
    const next = kidOf('next', await keys())
    await age('current', 'activated_at', '90 days')
    expect(await outcome()).toBe('rotated')
    expect(kidOf('current', await keys())).toBe(next)
    expect(kidOf('retired', await keys())).toBe(first?.kid)
    expect(await outcome(), 'and not again in the next hour').toBe('too_early')
  })

  test('waits until the next key has been published for a day, however old the current one is', async () => {
    await age('current', 'activated_at', '400 days')
    await age('next', 'created_at', '23 hours')
    expect(await outcome()).toBe('too_early')
    await age('next', 'created_at', '24 hours')
    expect(await outcome()).toBe('rotated')
  })

  test('makes the first key where there is none', async () => {
    const all = await sql('delete from signing_keys returning *')
    expect(await outcome()).toBe('first_key')
    expect((await newClient(service()).then((client) => client.register())).status).toBe(201)
    expect(all).not.toEqual([])
  })

  test('happens once, however many crons run at once', async () => {
    await age('current', 'activated_at', '91 days')
    await age('next', 'created_at', '91 days')
    const before = await keys()
    const outcomes = await race(20, () => service().runCron(HOURLY))
    expect(new Set(outcomes.map((one) => one.outcome))).toEqual(new Set(['ok']))
    const after = await keys()
    expect(after.map(({ state }) => state)).toEqual(['current', 'next', 'retired'])
    expect(kidOf('current', after)).toBe(kidOf('next', before))
    expect(kidOf('retired', after)).toBe(kidOf('current', before))
  })

  test('is not noticed by anyone: what was issued before, during and after it verifies everywhere', async () => {
    await age('current', 'activated_at', '91 days')
    await age('next', 'created_at', '91 days')
    const client = await newClient(service())
    const there = createClient(elsewhere(), client.tenant)
    const issue = async (): Promise<Tokens> => {
      const { status, body } = await client.register(newEmail())
      expect(status).toBe(201)
      return body
    }
    const before = await race(5, issue)
    const published = await client.call<JSONWebKeySet>('/.well-known/jwks.json')
    const [during] = await Promise.all([race(20, issue), race(3, () => service().runCron(HOURLY))])
    const after = await race(5, issue)
    const kids = (tokens: Tokens[]) =>
      new Set(tokens.map(({ access_token }) => decodeProtectedHeader(access_token).kid))
    expect(kids(after)).not.toEqual(kids(before))
    const known = createLocalJWKSet(published.body) // as a downstream service read it before the rotation
    for (const { access_token, refresh_token } of [...before, ...during, ...after]) {
      expect((await there.me(access_token)).status).toBe(200)
      await jwtVerify(access_token, known, { issuer: client.tenant.origin })
      expect((await there.refresh(refresh_token)).status).toBe(200)
    }
  })
})

test('a retired key goes a week after its last token is dead, and not before', async () => {
  await age('current', 'activated_at', '91 days')
  await age('next', 'created_at', '91 days')
  expect(await outcome()).toBe('rotated')
  await age('retired', 'expires_at', '6 days 23 hours')
  await runHourly(service())
  expect(kidOf('retired', await keys())).toBeDefined()
  await age('retired', 'expires_at', '7 days 1 second')
  expect((await runHourly(service()))['cleaned up']).toMatchObject({ retired_signing_keys: 1 })
  expect((await keys()).map(({ state }) => state)).toEqual(['current', 'next'])
})
