/**
 * CASES.md H07–H09: who asks about an address learns nothing of it: from what is answered, from what it costs (trips and
 * statements; bench/enumeration.ts has the times), or from what the next answer says.
 */
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { setFailures, WRONG } from '../support/attempts.ts'
import { type Answer, type Client, createClient, newClient, newEmail, PASSWORD } from '../support/client.ts'
import { type Service, startService, useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let tenant: Client['tenant']
let password: { phc: string; key_id: string }

beforeAll(async () => {
  const client = await newClient(service())
  tenant = client.tenant
  const { tokens } = await client.signUp() // Redis knows the script of limits from then on: trips are counted after that
  const [row] = await service().sql<typeof password>('select phc, key_id from passwords where user_id = $1', [
    tokens.user.id,
  ])
  if (!row) throw new Error('the account has no password')
  password = row
  await service().sql(`update tenants set settings = '{"registration":"verify-first"}' where id = $1`, [
    tenant.id,
  ])
})
afterEach(() => service().gates.postgres.set('open'))

/** Many steps of many accounts, on a machine that others use. */
const PATIENT = { timeout: 120_000 }

/** What an address can be, by what is so of its account `$1`; each has the password `PASSWORD` unless it says otherwise. */
const ACCOUNTS = {
  proved: 'update users set email_verified_at = now() where id = $1',
  unproved: 'update users set email_verified_at = null where id = $1',
  disabled: `update users set email_verified_at = now(), status = 'disabled' where id = $1`,
  closed: 'update users set email_verified_at = now(), deleted_at = now() where id = $1',
  'without a password': 'delete from passwords where user_id = $1',
  'in use': `insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal)
    select gen_random_uuid(), tenant_id, id, now() + interval '1 hour', now() + interval '1 hour', '{pwd}', 1
    from users where id = $1`,
}
const STATES = Object.keys(ACCOUNTS) as State[] // Object.keys forgets the keys

type State = keyof typeof ACCOUNTS

async function newAddress(state: State | 'unknown'): Promise<string> {
  const email = newEmail()
  if (state === 'unknown') return email
  const [row] = await service().sql<{ id: string }>(
    `with account as (
       insert into users (id, tenant_id, email) values (gen_random_uuid(), $1, $2) returning id, tenant_id)
     insert into passwords (user_id, tenant_id, phc, key_id) select id, tenant_id, $3, $4 from account
     returning user_id as id`,
    [tenant.id, email, password.phc, password.key_id],
  )
  await service().sql(ACCOUNTS[state], [row?.id])
  return email
}

type Call = (client: Client, email: string) => Promise<Answer<unknown>>

const posting =
  (path: string, rest: object = {}): Call =>
  (client, email) =>
    client.call(path, { json: { email, ...rest }, headers: { 'sec-fetch-site': 'same-origin' } })

const register = posting('/v1/register', { password: 'another battery staple', name: 'Ada' })
const guess = posting('/v1/login', { password: WRONG })
const forget = posting('/v1/password/forgot')
const resend = posting('/v1/email/resend')
const askCode = posting('/v1/email/code')
const tryCode = posting('/v1/email/code/verify', { code: '000000' })

const OPERATIONS: Record<string, Call> = {
  register,
  'register with a key': (client, email) =>
    client.call('/v1/register', {
      json: { email, password: PASSWORD },
      headers: { 'idempotency-key': crypto.randomUUID() },
    }),
  'register with a password that is refused': posting('/v1/register', { password: 'password' }),
  'login with a wrong password': guess,
  'login with no password': posting('/v1/login', { password: '' }),
  'forgot password': forget,
  'resend verification': resend,
  'request a code': askCode,
  'verify a code that was not asked for': tryCode,
}

/** The right code of the newest challenge is one in a million; another is never right. */
async function withChallenge(email: string): Promise<void> {
  await askCode(createClient(service(), tenant), email)
}

/** Everything of an answer that its caller sees, and what it cost. */
async function observe(call: Call, email: string, on = service()) {
  const statements: string[] = []
  on.gates.postgres.set('open', {
    when: (body) => {
      const sent = JSON.parse(body) as { query?: string; queries?: { query: string }[] } // the driver sends nothing else
      statements.push(...(sent.queries ?? [{ query: sent.query ?? '' }]).map(({ query }) => query))
      return false
    },
  })
  const { status, headers, body, trips } = await call(createClient(on, tenant), email)
  on.gates.postgres.set('open')
  expect(JSON.stringify([body, [...headers]])).not.toContain(email)
  const visible = [...headers].filter(([name]) => !['date', 'x-request-id', 'server-timing'].includes(name))
  return {
    status,
    body: shapeOf(JSON.stringify(body)),
    headers: visible.map(([name, value]) => [name, shapeOf(value)]),
    cookies: headers.getSetCookie().map(shapeOf),
    trips,
    statements,
  }
}

/** Without what is another one in each answer: ids, nonces, MACs, and what is left of a delay. */
const shapeOf = (text: string) =>
  text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'id')
    .replace(/challenge=[\w-]{43};/g, 'challenge=nonce;')
    .replace(/registration=[\w-]{43};/g, 'registration=entry;')
    .replace(/\b(t=|in )?([1-9]|[12]\d|30)( seconds)?(?="|\.|$)/g, 'soon')

describe('H07 H08 the same answer, byte for byte, the same trips and the same statements', () => {
  test.each(Object.entries(OPERATIONS))('%s', async (_, call) => {
    const unknown = await observe(call, await newAddress('unknown'))
    expect(unknown.statements.length).toBeGreaterThan(0)
    for (const state of STATES) expect(await observe(call, await newAddress(state)), state).toEqual(unknown)
  })

  test(
    'verify a code, while there is a challenge, after its fifth wrong code, and when no one may try any more',
    PATIENT,
    async () => {
      const steps = async (email: string) => {
        await withChallenge(email)
        const seen = []
        for (let attempt = 1; attempt <= 7; attempt++) seen.push(await observe(tryCode, email))
        const exhausted = `update one_time_tokens set failures = 100, attempts = 0
        where purpose = 'sign_in' and holder = coalesce((select id::text from users where email = $1 and deleted_at is null
          and status = 'active'), $2)`
        await service().sql(exhausted, [email, await digestOf(email)])
        return [
          ...seen,
          await observe(tryCode, email),
          await observe(askCode, email),
          await observe(tryCode, email),
        ]
      }
      const unknown = await steps(await newAddress('unknown'))
      for (const state of STATES) expect(await steps(await newAddress(state)), state).toEqual(unknown)
    },
  )

  test('login while it is delayed and once it is disabled', async () => {
    for (const failures of [4, 100]) {
      const besieged = async (state: State | 'unknown') => {
        const email = await newAddress(state)
        await setFailures(service(), { tenant, email }, failures)
        return [await observe(guess, email), await observe(guess, email)]
      }
      const unknown = await besieged('unknown')
      for (const state of STATES) expect(await besieged(state), state).toEqual(unknown)
    }
  })

  test('login with the right password of an account that is yet to be proved: as with a wrong one, and as without an account', async () => {
    const right = posting('/v1/login', { password: PASSWORD })
    const unknown = await observe(right, await newAddress('unknown'))
    const unproved = await newAddress('unproved')
    expect(await observe(right, unproved)).toEqual(unknown)
    expect(await observe(guess, unproved)).toEqual(unknown)
  })

  test('login with the right password of an account that is disabled: as with a wrong one', async () => {
    const right = posting('/v1/login', { password: PASSWORD })
    const { statements: _, ...unknown } = await observe(right, await newAddress('unknown'))
    const { statements: __, ...disabled } = await observe(right, await newAddress('disabled'))
    expect(disabled).toEqual(unknown)
  })
})

/** Who holds the challenge of an address without an account, written down a second time. */
async function digestOf(email: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`holder\0${email}`))
  return Buffer.from(digest).toString('hex')
}

describe('H07 what one operation leaves behind says nothing through the next', () => {
  const SEQUENCES: Record<string, Call[]> = {
    'guess, register, guess': [guess, guess, guess, guess, register, guess, guess],
    'ask for a code, register, try it': [askCode, tryCode, register, tryCode, askCode, tryCode],
    'register twice, ask for everything, register': [register, register, resend, forget, askCode, register],
    'forget, resend, guess': [forget, forget, resend, resend, guess],
  }

  test.each(Object.entries(SEQUENCES))('%s', PATIENT, async (_, calls) => {
    const follow = async (email: string) => {
      const seen = []
      for (const call of calls) seen.push(await observe(call, email))
      return seen
    }
    const unknown = await follow(await newAddress('unknown'))
    for (const state of STATES) expect(await follow(await newAddress(state)), state).toEqual(unknown)
  })
})

describe('H08 the answer waits for no one who is told afterwards', () => {
  const held: http.ServerResponse[] = []
  let queue: http.Server
  let holding: Service

  beforeAll(async () => {
    queue = http.createServer((request, response) => {
      request.resume()
      held.push(response)
    })
    await once(queue.listen(0, '127.0.0.1'), 'listening')
    const { port } = queue.address() as AddressInfo // a TCP server's address is one
    const bindings = { LIMITS_MULTIPLIER: '1000' }
    holding = await startService({ beside: service(), bindings, queueUrl: `http://127.0.0.1:${port}` })
  })
  const release = () => {
    for (const response of held.splice(0)) response.writeHead(204).end()
  }
  afterAll(async () => {
    release()
    await holding.stop()
    queue.closeAllConnections()
    queue.close()
  })

  const telling = { register, forget, resend, askCode }

  test.each(Object.entries(telling))('%s answers while the queue hangs, known or not', async (_, call) => {
    for (const state of ['unknown', 'proved', 'unproved'] as const) {
      const { status } = await call(createClient(holding, tenant), await newAddress(state))
      expect(status).toBe(202)
      await vi.waitFor(() => expect(held).toHaveLength(1), 60_000)
      release()
    }
  })
})
