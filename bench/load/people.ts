/** Accounts, and who is signed in to them: each at an address of their own, with the limits of production. */
import pg from 'pg'
import { createSender } from '../client.ts'
import type { Stack } from '../stack.ts'
import type { Arrival, Attack, Honest } from './plan.ts'

const ACCOUNTS = 5000
/** Signed in from the start. Each is asked for anew often enough that no access token is over. */
const SIGNED_IN = 100
const MAX_SPARE_SESSIONS = 1000
const ATTACKING_ADDRESSES = 200
const PASSWORD = 'correct horse battery'

export type Answered = { status: number }

type Tokens = { access_token: string; refresh_token: string }
type Person = Tokens & { address: string; isBusy: boolean }

export type People = {
  /** Does what has arrived. */
  act(arrival: Arrival): Promise<Answered>
  close(): void
}

const emailOf = (index: number) => `load-${index}@example.com`
/** 198.18.0.0/15 is for benchmarks (RFC 2544). */
const addressOf = (index: number) => `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
const attackerOf = (index: number) => `192.0.${index >> 8}.${index & 255}`

/** Makes the accounts, and signs some of them in. */
export async function preparePeople({ databaseUrl }: Stack, port: number): Promise<People> {
  const { request, expect, close } = createSender(port)
  const from = (address: string) => ({ headers: { 'cf-connecting-ip': address } })
  const login = (index: number, password = PASSWORD, address = addressOf(index)) =>
    request({ path: '/v1/login', json: { email: emailOf(index), password }, ...from(address) })

  await expect(201, { path: '/v1/register', json: { email: emailOf(0), password: PASSWORD } })
  await copyAccounts(databaseUrl)
  const people: Person[] = []
  for (let index = 0; index < SIGNED_IN; index++) {
    const { status, body } = await login(index)
    if (status !== 200) throw new Error(`a sign-in answered ${status}: ${body}`)
    people.push({ ...(JSON.parse(body) as Tokens), address: addressOf(index), isBusy: false })
  }
  const spare: Person[] = []
  let signedUp = 0

  const whoIs = (pick: number): Person => people[Math.floor(pick * people.length)] as Person // below its length
  /** The next who is not refreshing: one person does not refresh twice at once. */
  const whoIsFree = (pick: number): Person | undefined => {
    const at = Math.floor(pick * people.length)
    return [...people.slice(at), ...people.slice(0, at)].find(({ isBusy }) => !isBusy)
  }
  const live = (path: string, { access_token: bearer, address }: Person) =>
    request({ path, bearer, ...from(address) })

  const acts: Record<Honest | Attack, (pick: number) => Promise<Answered>> = {
    'live check': (pick) => live('/v1/me', whoIs(pick)),
    'list sessions': (pick) => live('/v1/sessions', whoIs(pick)),
    'key set': (pick) => request({ path: '/.well-known/jwks.json', ...from(whoIs(pick).address) }),
    refresh: async (pick) => {
      const person = whoIsFree(pick)
      if (!person) return { status: 0 }
      person.isBusy = true
      const json = { refresh_token: person.refresh_token }
      const answer = await request({ path: '/v1/refresh', json, ...from(person.address) }).finally(() => {
        person.isBusy = false
      })
      if (answer.status === 200) Object.assign(person, JSON.parse(answer.body))
      return answer
    },
    'sign-in': async (pick) => {
      const index = Math.floor(pick * ACCOUNTS)
      const answer = await login(index)
      if (answer.status === 200 && spare.length < MAX_SPARE_SESSIONS)
        spare.push({ ...JSON.parse(answer.body), address: addressOf(index), isBusy: false })
      return answer
    },
    'sign-out': async (pick) => {
      const person = spare.shift()
      if (!person) return live('/v1/me', whoIs(pick)) // no one has signed in yet
      const json = { refresh_token: person.refresh_token }
      return request({ path: '/v1/logout', json, ...from(person.address) })
    },
    'sign-up': async () => {
      signedUp += 1
      const json = { email: `new-${signedUp}@example.com`, password: PASSWORD }
      return request({ path: '/v1/register', json, ...from(addressOf(ACCOUNTS + signedUp)) })
    },
    'guess a password': (pick) =>
      login(Math.floor(pick * ACCOUNTS), `guess ${pick}`, attackerOf(Math.floor(pick * ATTACKING_ADDRESSES))),
    'try a leaked pair': (pick) =>
      request({
        path: '/v1/login',
        json: { email: `leaked-${pick}@example.com`, password: `leaked ${pick}` },
        ...from(attackerOf(Math.floor(pick * ATTACKING_ADDRESSES))),
      }),
    'make up a refresh token': (pick) =>
      request({
        path: '/v1/refresh',
        json: { refresh_token: `lkr_${Buffer.from(String(pick).padEnd(32)).toString('base64url')}` },
        ...from(attackerOf(Math.floor(pick * ATTACKING_ADDRESSES))),
      }),
    'make up an access token': (pick) =>
      request({
        path: '/v1/me',
        bearer: `${whoIs(pick).access_token.slice(0, -8)}AAAAAAAA`,
        ...from(attackerOf(Math.floor(pick * ATTACKING_ADDRESSES))),
      }),
  }
  return { act: ({ kind, pick }) => acts[kind](pick), close }
}

/** Copies of the account that registered, with its password: one hash does for all, and is verified at each sign-in. */
async function copyAccounts(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(
      `insert into users (id, tenant_id, email)
       select uuidv7(make_interval(secs => -n)), tenant_id, 'load-' || n || '@example.com'
       from users cross join generate_series(1, $1::int - 1) n where email = $2`,
      [ACCOUNTS, emailOf(0)],
    )
    await client.query(
      `insert into passwords (user_id, tenant_id, phc, key_id)
       select copied.id, copied.tenant_id, phc, key_id
       from users copied cross join passwords join users first on first.id = passwords.user_id and first.email = $1
       where copied.email like 'load-%' and copied.id <> first.id`,
      [emailOf(0)],
    )
    await client.query('analyze')
  } finally {
    await client.end()
  }
}
