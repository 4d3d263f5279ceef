/**
 * What a request costs at Upstash, which bills commands, those of a script one by one: EVALSHA and MGET, one INCR for
 * each subject, one PEXPIRE for a subject's first request in a window; and no INCR for a request that is refused.
 */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Client, createClient, newEmail, PASSWORD, race, type Tokens } from '../support/client.ts'
import { OPERATIONS } from '../support/operations.ts'
import { attemptSignIn } from '../support/passkeys.ts'
import { fill, inOneWindow, statuses, tryToRegister, useLimited } from '../support/windows.ts'

/** Every command that the engine executes, whether a request or a script asks for it. */
const executed: string[] = []

const limited = useLimited({}, (command) => executed.push(command))
const from = (): Client => createClient(limited().service, limited().tenant)

/** The commands and the HTTP requests of what `call` does. */
async function costOf(call: () => Promise<unknown>): Promise<{ commands: string[]; trips: number }> {
  executed.length = 0
  const before = limited().redis.trips()
  await call()
  return { commands: [...executed], trips: limited().redis.trips() - before }
}

/** Where this location keeps the key that verifies tokens, and Redis the scripts. */
beforeAll(async () => {
  const { tokens } = await from().signUpAdmin()
  await from().me(tokens.access_token)
  await attemptSignIn(from(), (await from().plantedPasskey(tokens)).passkey)
})

/** Where some subjects are those of a browser that is known, or of a caller of another kind. */
const FEWER: Record<string, number> = {
  'POST /v1/login': 3,
  'POST /v1/password/forgot': 3,
  'POST /v1/logout': 2,
  'POST /v1/email/resend': 3,
  'POST /v1/email/code': 3,
  'POST /v1/email/code/verify': 3,
}

/** What a challenge takes besides. */
const BESIDES: Record<string, string> = {
  'POST /v1/passkeys/register/options': 'SET',
  'POST /v1/passkeys/register/verify': 'GETDEL',
  'POST /v1/passkeys/login/options': 'SET',
  'POST /v1/passkeys/login/verify': 'GETDEL',
  'POST /v1/passkeys/mfa/options': 'SET',
  'POST /v1/passkeys/mfa/verify': 'GETDEL',
  'POST /v1/passkeys/step-up/options': 'SET',
  'POST /v1/passkeys/step-up/verify': 'GETDEL',
  'GET /v1/oauth/:provider/start': 'SET',
  'GET /v1/oauth/:provider/callback': 'GETDEL',
  'POST /v1/oauth/:provider/callback': 'GETDEL',
  'POST /v1/oauth/:provider/link': 'SET',
  'POST /v1/oauth/:provider/step-up': 'SET',
}

describe('one request', () => {
  test.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
    '%s is one HTTP request with one EVALSHA, or none at all',
    async (name, operation) => {
      const subjects = FEWER[name] ?? Object.keys(operation.limits.redis ?? {}).length
      const { client, tokens } = await newCaller()
      const call = (await operation.prepare?.(client, tokens)) ?? (() => operation.call(client, tokens))
      const { commands, trips } = await costOf(call)
      if (subjects === 0) expect({ commands, trips }).toEqual({ commands: [], trips: 0 })
      else {
        expect(trips).toBe(1)
        expect(commands.slice(0, 2)).toEqual(['EVALSHA', 'MGET'])
        expect(commands.filter((command) => command === 'INCR')).toHaveLength(subjects)
        const besides = BESIDES[name] ? [BESIDES[name]] : []
        expect(new Set(commands.slice(2))).toEqual(new Set(['INCR', 'PEXPIRE', ...besides]))
      }
    },
  )
})

describe('a sign-in', () => {
  test('is billed 8 commands the first time in its windows, 5 the next time, and 2 when it is refused', async () => {
    const [first, next, refused] = await inOneWindow(60, async () => {
      const { client, email } = await newCaller()
      const spent = from()
      await fill(limited(), 'login:address', 99, () => spent.login(newEmail()))
      return [
        await costOf(() => client.login(email)),
        await costOf(() => client.login(email)),
        await costOf(() => spent.login(email)),
      ]
    })
    const counted = ['INCR', 'PEXPIRE']
    expect(first).toEqual({ commands: ['EVALSHA', 'MGET', ...counted, ...counted, ...counted], trips: 1 })
    expect(next).toEqual({ commands: ['EVALSHA', 'MGET', 'INCR', 'INCR', 'INCR'], trips: 1 })
    expect(refused).toEqual({ commands: ['EVALSHA', 'MGET'], trips: 1 })
  })

  test('is billed 5 commands from a browser that the account knows, and 8 the first time', async () => {
    const costs = await inOneWindow(60, async () => {
      const { client, email } = await newCaller()
      const signIn = (headers: Record<string, string>) =>
        client.call('/v1/login', { json: { email, password: PASSWORD }, headers })
      const { headers } = await signIn({ 'sec-fetch-site': 'same-origin' })
      const cookie = headers
        .getSetCookie()
        .map((value) => value.split(';')[0])
        .join('; ')
      await limited().engine.exec(['FLUSHALL'])
      return [await costOf(() => signIn({ cookie })), await costOf(() => signIn({ cookie }))]
    })
    expect(costs.map(({ commands }) => commands.length)).toEqual([8, 5])
  })
})

describe('a Redis that does not know the script yet', () => {
  beforeEach(() => limited().engine.exec(['SCRIPT', 'FLUSH']))

  test('is sent it once: that request costs 2 trips, the next one 1', async () => {
    const cold = await costOf(() => tryToRegister(from(), newEmail()))
    expect(cold.trips).toBe(2)
    expect(cold.commands.slice(0, 3)).toEqual(['EVALSHA', 'EVAL', 'MGET'])
    const warm = await costOf(() => tryToRegister(from(), newEmail()))
    expect(warm.trips).toBe(1)
    expect(warm.commands[0]).toBe('EVALSHA')
  })

  test('still lets exactly 100 of 200 simultaneous requests pass, all of which may bring it', async () => {
    const answers = await inOneWindow(3600, async () => {
      const client = from()
      await limited().engine.exec(['SCRIPT', 'FLUSH'])
      return race(200, () => tryToRegister(client))
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 100 })
  })

  test('counts the request that brought it once', async () => {
    const cold = await costOf(() => tryToRegister(from(), newEmail()))
    expect(cold.commands.filter((command) => command === 'INCR')).toHaveLength(3)
  })
})

async function newCaller(): Promise<{ client: Client; email: string; tokens: Tokens }> {
  const client = from()
  return { client, ...(await client.signUpAdmin()) }
}
