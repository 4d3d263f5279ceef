/**
 * The limits of a session: they are its own, from wherever it calls, and no one uses them up who has not got its token.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Client, createClient, newEmail, race, type Tokens, untilLimited } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { createForger } from '../support/forge.ts'
import { startService } from '../support/service.ts'
import {
  expectRateLimited,
  fill,
  inOneWindow,
  keysOf,
  refusedOf,
  statuses,
  useLimited,
} from '../support/windows.ts'

const limited = useLimited()
const from = (): Client => createClient(limited().service, limited().tenant)

type Call = (client: Client, tokens: Tokens) => ReturnType<Client['call']>

const OTHER_SESSION = '/v1/sessions/00000000-0000-7000-8000-000000000000'

/** Each operation, its rate for a session, and what it answers while there is room. */
const OPERATIONS: [string, number, number, Call][] = [
  ['readMe', 300, 200, (client, { access_token: bearer }) => client.call('/v1/me', { bearer })],
  [
    'updateMe',
    60,
    200,
    (client, { access_token: bearer }) =>
      client.call('/v1/me', { method: 'PATCH', bearer, json: { name: 'Ada' } }),
  ],
  ['listSessions', 120, 200, (client, { access_token: bearer }) => client.call('/v1/sessions', { bearer })],
]

/** The same of those that PostgreSQL decides by itself, which are counted meanwhile. */
const ENDINGS: [string, number, number, Call][] = [
  [
    'revokeSession',
    120,
    404,
    (client, { access_token: bearer }) => client.call(OTHER_SESSION, { method: 'DELETE', bearer }),
  ],
  [
    'revokeSessions',
    60,
    204,
    (client, { access_token: bearer }) =>
      client.call('/v1/sessions?except=current', { method: 'DELETE', bearer }),
  ],
  [
    'logout',
    60,
    204,
    (client, { access_token: bearer }) => client.call('/v1/logout', { method: 'POST', bearer }),
  ],
]

/** From here on this location keeps the key that verifies tokens, as it does for ten minutes after every read. */
beforeAll(async () => {
  const { access_token } = await newCaller()
  expect((await from().me(access_token)).status).toBe(200)
})

const newCaller = async (): Promise<Tokens> => (await from().signUp()).tokens

describe('a session', () => {
  test.each(OPERATIONS)(
    'passes %s exactly %i times a minute, from as many addresses: 20 of 120 at once after the others',
    async (name, rate, status, call) => {
      const { answers, tokens } = await inOneWindow(60, async () => {
        const tokens = await newCaller()
        await fill(limited(), `${name}:session`, rate - 21, () => call(from(), tokens))
        return { answers: await race(120, () => call(from(), tokens)), tokens }
      })
      expect(statuses(answers)).toEqual({ [status]: 20, 429: 100 })
      for (const answer of refusedOf(answers)) {
        expectRateLimited(answer, 'session', rate, 60)
        // A read asks PostgreSQL meanwhile; a write would have been done.
        expect(answer.trips.postgres).toBe(name === 'updateMe' ? 0 : 1)
      }
      // Its other operations have limits of their own.
      const [, , otherStatus, other] = OPERATIONS[name === 'readMe' ? 2 : 0] ?? []
      expect((await other?.(from(), tokens))?.status).toBe(otherStatus)
    },
  )

  test.each(ENDINGS)(
    'passes %s %i times a minute: one more is done all the same, and the next cost no trip',
    async (name, rate, status, call) => {
      const { last, refused, other } = await inOneWindow(60, async () => {
        const client = from()
        const [tokens, others] = [await newCaller(), await newCaller()]
        await fill(limited(), `${name}:session`, rate, () => call(client, tokens))
        const last = await call(client, tokens)
        const refused = await untilLimited(() => call(client, tokens))
        return { last, refused, other: await call(client, others) }
      })
      expect(last.status).toBe(status)
      expectRateLimited(refused, 'session', rate, 60)
      expect(refused.trips).toEqual({ postgres: 0, redis: 0 })
      expect(other.status, 'another session at that address').toBe(status)
    },
  )

  test('is counted apart from the other sessions of its account', async () => {
    const other = await inOneWindow(60, async () => {
      const { email, tokens } = await from().signUp()
      const other = await from().signIn(email)
      await fill(limited(), 'listSessions:session', 119, () => from().listSessions(tokens.access_token))
      expect((await from().listSessions(tokens.access_token)).status).toBe(429)
      return other
    })
    expect((await from().listSessions(other.access_token)).status).toBe(200)
  })
})

describe('an address', () => {
  test.each(OPERATIONS)(
    'passes %s exactly 600 times a minute, for as many sessions',
    async (name, _, status, call) => {
      const answers = await inOneWindow(60, async () => {
        const client = from()
        const callers = await Promise.all(Array.from({ length: 4 }, () => newCaller()))
        const [first] = callers
        if (!first) throw new Error('no one calls')
        await fill(limited(), `${name}:address`, 579, () => call(client, first))
        return race(120, (index) => call(client, callers[index % 4] ?? first))
      })
      expect(statuses(answers)).toEqual({ [status]: 20, 429: 100 })
      for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 600, 60)
    },
  )

  test.each(ENDINGS)(
    'passes %s 600 times a minute, and then none of its sessions',
    async (name, _, __, call) => {
      const refused = await inOneWindow(60, async () => {
        const client = from()
        const [tokens, others] = [await newCaller(), await newCaller()]
        await fill(limited(), `${name}:address`, 600, () => call(client, tokens))
        await untilLimited(() => call(client, tokens))
        return call(client, others)
      })
      expectRateLimited(refused, 'address', 600, 60)
      expect(refused.trips).toEqual({ postgres: 0, redis: 0 })
    },
  )
})

describe('a caller who only knows the id of a session', () => {
  test.each([...OPERATIONS, ...ENDINGS].filter(([name]) => ['readMe', 'updateMe', 'logout'].includes(name)))(
    'cannot use up its %s: after %i forged tokens and 20 more, the owner is answered',
    async (name, rate, status, call) => {
      const { owner, forged, counted } = await inOneWindow(60, async () => {
        const tokens = await newCaller()
        const forgery = { ...tokens, access_token: withOtherSignature(tokens.access_token) }
        const before = await keysOf(limited(), `${name}:session`)
        const forged = await race(rate + 20, () => call(from(), forgery))
        const counted = (await keysOf(limited(), `${name}:session`)).filter((key) => !before.includes(key))
        return { forged, counted, owner: await call(from(), tokens) }
      })
      expect(statuses(forged)).toEqual({ 401: rate + 20 })
      for (const answer of forged) expectProblem(answer, 'invalid_token')
      expect(counted, 'buckets of sessions').toEqual([])
      expect(owner.status).toBe(status)
    },
  )

  test('counts no session for a token that is over, is for another tenant, or claims to be of another session', async () => {
    const tokens = await newCaller()
    const { withClaims } = await createForger(limited().service)
    const before = await keysOf(limited(), '*:session')
    const now = Math.floor(Date.now() / 1000)
    const [header = '', payload = '', signature = ''] = tokens.access_token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const claiming = Buffer.from(JSON.stringify({ ...claims, sid: crypto.randomUUID() })).toString(
      'base64url',
    )
    const wrong = [
      withClaims(tokens.access_token, { exp: now - 3600, iat: now - 7200 }),
      withClaims(tokens.access_token, { tid: crypto.randomUUID() }),
      withClaims(tokens.access_token, { aud: 'another audience' }),
      `${header}.${claiming}.${signature}`,
    ]
    for (const token of wrong) expectProblem(await from().me(token), 'invalid_token')
    expect(await keysOf(limited(), '*:session')).toEqual(before)
  })

  test.each([
    ['a read', 'readMe:session', 300, (client: Client, { access_token }: Tokens) => client.me(access_token)],
    [
      'a write',
      'updateMe:session',
      60,
      (client: Client, { access_token: bearer }: Tokens) =>
        client.call('/v1/me', { method: 'PATCH', bearer, json: { name: 'Ada' } }),
    ],
  ] as const)(
    'accounts 10: %s counts the session where the key is not kept at the edge yet, too',
    async (_, bucket, rate, call) => {
      const answers = await inOneWindow(60, async () => {
        const tokens = await newCaller()
        await fill(limited(), bucket, rate - 1, () => call(from(), tokens))
        return fromColdLocation((client) => race(50, () => call(client(), tokens)))
      })
      for (const answer of answers) expectRateLimited(answer, 'session', rate, 60)
    },
  )

  test('accounts 10: a change of address counts the new address where the key is not kept at the edge yet, too', async () => {
    const answer = await inOneWindow(3600, async () => {
      const email = newEmail()
      const ask = async (client: Client) =>
        client.call('/v1/email/change', { bearer: (await newCaller()).access_token, json: { email } })
      await fill(limited(), 'requestEmailChange:account', 2, () => ask(from()))
      return fromColdLocation((client) => ask(client()))
    })
    expectRateLimited(answer, 'account', 3, 3600)
  })

  test('counts no session where the key is not kept at the edge yet and the token is forged, and the address all the same', async () => {
    const { service, tenant } = limited()
    const tokens = await newCaller()
    const cold = await startService({ beside: service, bindings: service.bindings })
    try {
      const before = await Promise.all(
        ['session', 'address'].map((subject) => keysOf(limited(), `readMe:${subject}`)),
      )
      expect((await createClient(cold, tenant).me(withOtherSignature(tokens.access_token))).status).toBe(401)
      const after = await Promise.all(
        ['session', 'address'].map((subject) => keysOf(limited(), `readMe:${subject}`)),
      )
      expect(after.map(({ length }) => length)).toEqual([before[0]?.length, 1 + (before[1]?.length ?? 0)])
    } finally {
      await cold.stop()
    }
  })
})

/** Calls that come to a location which keeps no key yet, each from an address of its own. */
async function fromColdLocation<T>(calls: (client: () => Client) => Promise<T>): Promise<T> {
  const { service, tenant } = limited()
  const cold = await startService({ beside: service, bindings: service.bindings })
  try {
    return await calls(() => createClient(cold, tenant))
  } finally {
    await cold.stop()
  }
}

/** The same header and claims, signed by a key of one's own. */
function withOtherSignature(token: string): string {
  const [header, payload] = token.split('.')
  const { privateKey } = generateKeyPairSync('ed25519')
  const input = `${header}.${payload}`
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
}
