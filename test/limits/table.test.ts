/** The one table of limits against the routes: a new operation needs a row, and every row is in use. */
import { readdirSync, readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { LIMITS, type Policy } from '../../src/limits/limits.ts'
import { type Client, createClient } from '../support/client.ts'
import { ROWS, readCode, rowOf } from '../support/limit-rows.ts'
import { OPERATIONS, PAGES, WITHOUT_TENANT } from '../support/operations.ts'
import { keysOf, requestsFrom, useLimited } from '../support/windows.ts'

const limited = useLimited()
const from = (): Client => createClient(limited().service, limited().tenant)
const POLICIES: Record<string, Policy> = LIMITS

const served = (readCode()['all-in-one']?.operations ?? []).map(({ method, path }) => `${method} ${path}`)

/** Where this location keeps the key that verifies tokens, so that sessions are counted. */
beforeAll(async () => {
  const { tokens } = await from().signUpAdmin()
  await from().me(tokens.access_token)
})

test('gives every operation of the Workers exactly one row, and has no row that no operation uses', () => {
  expect(Object.keys(ROWS).toSorted()).toEqual(served.toSorted())
  expect([...new Set(Object.values(ROWS))].toSorted()).toEqual(Object.keys(LIMITS).toSorted())
})

describe('every operation counts itself against its own row', () => {
  const all = [...OPERATIONS, ...PAGES, ...WITHOUT_TENANT]

  test('is asked of every operation that is served', () => {
    expect(all.map(({ name }) => name).toSorted()).toEqual(served.toSorted())
  })

  test.each(all.map((operation) => [operation.name, operation] as const))('%s', async (name, operation) => {
    const row = rowOf(name)
    const client = from()
    const { tokens } = await from().signUpAdmin()
    const before = await keysOf(limited())
    expect((await operation.call(client, tokens)).status).toBeLessThan(400)
    expect(requestsFrom(limited(), client)).toMatchObject([{ limiter: 'allowed' }])
    const counted = (await keysOf(limited())).filter((key) => !before.includes(key))
    const subjects = counted.map((key) => key.split(':').slice(2, 4).join(':'))
    expect(subjects.includes(`${row}:address`)).toBe(POLICIES[row]?.redis !== undefined)
    const others = [...new Set(subjects.flatMap((subject) => subject.split(':')[0] ?? []))].filter(
      (counted) => counted !== row,
    )
    // A page of the console shows the answer of an operation, and counts against that, too.
    expect(others).toHaveLength(name.startsWith('GET /console') ? 1 : 0)
    for (const subject of others) expect(subjects).toContain(`${subject}:session`)
  })
})

test('is named in one place of the code, row by row, and logout in two: by access token and by refresh token', () => {
  const named = sourceFiles('src').flatMap((file) => [
    ...readFileSync(file, 'utf8').matchAll(
      /\b(?:userAction\(|(?:checkLimits|countBeside|require|requireCaller|decideBeside|readCaller|readAsCaller|requireLiveCaller|requireReachable)\(\s*ctx,)\s*(?:[\w.]+,\s*)?'(\w+)'/g,
    ),
  ])
  const names = named.map(([, name = '']) => name)
  expect(names.toSorted()).toEqual([...Object.keys(LIMITS), 'logout'].toSorted())
})

describe('every row', () => {
  test.each(Object.entries(POLICIES))('%s is whole', (_, { redis, edge, withoutRedis }) => {
    // Counted at the edge or in Redis, always by address first, and never in both.
    expect([redis, edge].filter((limits) => limits !== undefined)).toHaveLength(1)
    expect(Object.keys(redis ?? edge ?? {})[0]).toBe('address')
    if (redis) expect(withoutRedis).not.toBe('unused')
    for (const { rate, seconds } of Object.values({ ...redis, ...edge })) {
      expect(rate).toBeGreaterThanOrEqual(1)
      expect(seconds).toBeOneOf([60, 900, 3600])
    }
  })
})

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
}
