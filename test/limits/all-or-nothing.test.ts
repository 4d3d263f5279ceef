/**
 * A refused request takes nothing from anyone: else a caller that has used up one limit could go on using up another's, for
 * instance a victim's sign-ins from an address that is spent.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { type Client, createClient, newEmail, race } from '../support/client.ts'
import {
  countersOf,
  expectRateLimited,
  fill,
  inOneWindow,
  keysOf,
  statuses,
  tryToRegister,
  useLimited,
} from '../support/windows.ts'

const limited = useLimited()
const from = (): Client => createClient(limited().service, limited().tenant)

/** The tenant's own bucket, 10,000 sign-ups an hour, is full of no one else's. */
beforeEach(() => limited().engine.exec(['FLUSHALL']))

/** Makes every call, and requires that each is refused for `subject` and that no counter moved. */
async function takesNothing(calls: (() => ReturnType<Client['call']>)[], subject: string) {
  const before = await countersOf(limited())
  const answers = await Promise.all(calls.map((call) => call()))
  expect(statuses(answers)).toEqual({ 429: calls.length })
  for (const { headers } of answers) expect(headers.get('ratelimit')).toMatch(`"${subject}";r=0;t=`)
  expect(await countersOf(limited())).toEqual(before)
}

describe('an address that is spent', () => {
  test('takes nothing from the accounts that it tries to register, nor from the tenant', async () => {
    await inOneWindow(3600, async () => {
      const client = from()
      const email = newEmail()
      await fill(limited(), 'register:address', 99, () => tryToRegister(client))
      await takesNothing(
        Array.from({ length: 120 }, () => () => tryToRegister(client, email)),
        'address',
      )
      expect((await tryToRegister(from(), email)).status).toBe(422)
    })
  })

  test('takes nothing from an account: after 120 attempts the owner has all 100 of theirs', async () => {
    await inOneWindow(900, async () => {
      const attacker = from()
      const { email } = await from().newAccount()
      await inOneWindow(60, async () => {
        await limited().engine.exec(['FLUSHALL'])
        await fill(limited(), 'login:address', 99, () => attacker.login(newEmail()))
        await takesNothing(
          Array.from(
            { length: 120 },
            () => () => attacker.call('/v1/login', { json: { email, password: 'x' } }),
          ),
          'address',
        )
      })
      await fill(limited(), 'login:account', 98, () => from().login(email))
      expect((await from().login(email)).status, 'the hundredth').toBe(200)
      expect((await from().login(email)).status, 'the next').toBe(429)
    })
  })

  test('takes nothing from a session', async () => {
    await inOneWindow(60, async () => {
      const client = from()
      const { tokens } = await from().newAccount()
      await client.me(tokens.access_token)
      await fill(limited(), 'updateMe:address', 599, () => rename(client, tokens.access_token))
      await takesNothing(
        [1, 2, 3].map(() => () => rename(client, tokens.access_token)),
        'address',
      )
    })
  })
})

describe('an account, a browser or a session that is spent', () => {
  test('takes nothing from the addresses that try it, which go on with other accounts', async () => {
    await inOneWindow(3600, async () => {
      const [client, email] = [from(), newEmail()]
      await fill(limited(), 'register:account', 99, () => tryToRegister(from(), email))
      await takesNothing(
        Array.from({ length: 120 }, () => () => tryToRegister(client, email)),
        'account',
      )
      const others = await race(100, () => tryToRegister(client))
      expect(statuses(others)).toEqual({ 422: 100 })
    })
  })

  test('takes nothing from the address that signs in to it, nor from the account as seen from there', async () => {
    await inOneWindow(900, async () => {
      const { email } = await from().newAccount()
      await fill(limited(), 'login:account', 99, () => from().login(email))
      const client = from()
      await takesNothing(
        [1, 2, 3].map(() => () => client.call('/v1/login', { json: { email, password: 'x' } })),
        'account',
      )
    })
  })

  test('takes nothing from the account when only its share of one address is spent', async () => {
    await inOneWindow(900, async () => {
      const client = from()
      const { email } = await client.newAccount()
      await fill(limited(), 'login:account_address', 49, () => client.login(email))
      const json = { email, password: 'x' }
      await takesNothing(
        [1, 2, 3].map(() => () => client.call('/v1/login', { json })),
        'account_address',
      )
    })
  })

  test('takes nothing from the addresses of a session', async () => {
    await inOneWindow(60, async () => {
      const { tokens } = await from().newAccount()
      await from().me(tokens.access_token)
      await fill(limited(), 'updateMe:session', 59, () => rename(from(), tokens.access_token))
      await takesNothing(
        [1, 2, 3].map(() => () => rename(from(), tokens.access_token)),
        'session',
      )
    })
  })
})

describe('two limits at once', () => {
  test('count the same: of 150 simultaneous ones, an address with 10 left takes 10 of an account with 60 left', async () => {
    await inOneWindow(3600, async () => {
      await limited().engine.exec(['FLUSHALL'])
      const [client, email] = [from(), newEmail()]
      await fill(limited(), 'register:address', 89, () => tryToRegister(client))
      await fill(limited(), 'register:account', 39, () => tryToRegister(from(), email))
      const answers = await race(150, () => tryToRegister(client, email))
      expect(statuses(answers)).toEqual({ 422: 10, 429: 140 })
      expect(await highest('register:address')).toBe(100)
      expect(await highest('register:account')).toBe(50)
    })
  })

  test('answer the first that is full, and the other once that has room', async () => {
    await inOneWindow(3600, async () => {
      await limited().engine.exec(['FLUSHALL'])
      const [client, email] = [from(), newEmail()]
      await fill(limited(), 'register:address', 99, () => tryToRegister(client))
      await fill(limited(), 'register:account', 99, () => tryToRegister(from(), email))
      expectRateLimited(await tryToRegister(client, email), 'address', 100, 3600)
      expectRateLimited(await tryToRegister(from(), email), 'account', 100, 3600)
    })
  })
})

const rename = (client: Client, bearer: string) =>
  client.call('/v1/me', { method: 'PATCH', bearer, json: { name: 'Ada' } })

const highest = async (bucket: string) => {
  const counters = await countersOf(limited())
  return Math.max(...(await keysOf(limited(), bucket)).map((key) => counters[key] ?? 0))
}
