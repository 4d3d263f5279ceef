/**
 * The statement that decides takes effect, and its answer is lost. The caller is told that something failed, repeats,
 * and must end up where one call would have taken them. And a caller who leaves in the middle leaves no half of anything.
 */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { hashRefreshToken, parseRefreshToken } from '../../src/sessions/refresh-token.ts'
import { failuresAt, WRONG } from '../support/attempts.ts'
import {
  type Answer,
  type Client,
  newClient,
  newEmail,
  PASSWORD,
  race,
  type Tokens,
} from '../support/client.ts'
import { countRows } from '../support/count-rows.ts'
import { expectProblem } from '../support/expect.ts'
import { PLANTED } from '../support/planted-accounts.ts'
import { type Service, useService } from '../support/service.ts'
import { countEvents, generations, sessionRow, untilWaiting } from '../support/sessions.ts'
import { type Attempt, type FaultedOperation, prepareStage, type Stage } from './callers.ts'
import { OPERATIONS, plantSession } from './operations.ts'

const service = useService()

afterEach(() => service().gates.postgres.set('open'))

/** How the statement that decides is known among an operation's trips. */
const DECIDES = {
  register: 'insert into users',
  login: 'insert into sessions',
  failedLogin: 'insert into sign_in_failures',
  refresh: 'insert into refresh_tokens',
  logout: "revoke_reason = 'signed_out'",
  revoke: 'update sessions set revoked_at',
  updateMe: 'update users set name',
}

async function newCaller() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return { client, email, tokens }
}

const LOSSES = [
  ['the answer is lost', 'reset-after-commit'],
  ['half of the answer is lost', 'cut'],
] as const

describe.each(LOSSES)('when %s', (_, mode) => {
  /** The call whose deciding statement took effect, for all that the caller can tell in vain. */
  async function losing(decides: string, call: () => Promise<Answer<unknown>>): Promise<void> {
    const gate = service().gates.postgres
    gate.set(mode, { times: 1, when: (body) => body.includes(decides) })
    expectProblem(await call(), 'upstream_unavailable')
    expect(gate.hits(), 'one statement decides').toBe(1)
    gate.set('open')
  }

  describe('a refresh', () => {
    test('is repeated for the successor that the database has, which works', async () => {
      const { client, tokens } = await newCaller()
      await losing(DECIDES.refresh, () => client.refresh(tokens.refresh_token))
      expect(await generations(service(), tokens.session.id)).toMatchObject([{ used: true }, { used: false }])

      const { status, body } = await client.refresh(tokens.refresh_token)
      expect(status).toBe(200)
      await expectOnlyLeaf(tokens, body.refresh_token)
      expect((await client.me(body.access_token)).status).toBe(200)
      expect((await client.refresh(body.refresh_token)).status).toBe(200)
    })

    test('by cookie is repeated for the same', async () => {
      const { client, tokens } = await newCaller()
      const refresh = () =>
        client.call('/v1/refresh', {
          method: 'POST',
          headers: { cookie: `__Host-latchkey=${tokens.refresh_token}`, 'sec-fetch-site': 'same-origin' },
        })
      await losing(DECIDES.refresh, refresh)
      const { status, headers } = await refresh()
      expect(status).toBe(200)
      const successor = /^__Host-latchkey=([^;]+);/.exec(headers.get('set-cookie') ?? '')?.[1] ?? ''
      await expectOnlyLeaf(tokens, successor)
      expect((await client.refresh(successor)).status).toBe(200)
    })

    test('is repeated twenty times at once for one successor', async () => {
      const { client, tokens } = await newCaller()
      await losing(DECIDES.refresh, () => client.refresh(tokens.refresh_token))
      const answers = await race(20, () => client.refresh(tokens.refresh_token))
      expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
      const [successor = '', ...others] = new Set(answers.map(({ body }) => body.refresh_token))
      expect(others).toEqual([])
      await expectOnlyLeaf(tokens, successor)
      expect((await client.refresh(successor)).status).toBe(200)
    })
  })

  describe('a registration', () => {
    const ONE_ACCOUNT = {
      users: 1,
      passwords: 1,
      sessions: 1,
      refresh_tokens: 1,
      events: 2,
      sign_in_failures: 0,
      one_time_tokens: 0,
    }

    test.each(['token', 'cookie'])(
      'with an Idempotency-Key is repeated for its answer (%s), and makes one account',
      async (transport) => {
        const client = await newClient(service())
        const json = { email: newEmail(), password: PASSWORD, transport }
        const headers = { 'idempotency-key': randomUUID() }
        const register = () => client.call<Tokens>('/v1/register', { json, headers })
        await losing(DECIDES.register, register)

        const { status, body, headers: answered } = await register()
        expect(status).toBe(201)
        expect(await countRows(service(), client.tenant)).toEqual({ ...ONE_ACCOUNT, idempotency_keys: 1 })
        expect((await client.me(body.access_token)).body).toMatchObject(body.user)
        const [cookie = ''] = answered.getSetCookie()
        const token = body.refresh_token ?? /^__Host-latchkey=([^;]+);/.exec(cookie)?.[1]
        await expectOnlyLeaf(body, token)
        expect((await client.refresh(token)).status).toBe(200)
      },
    )

    test('without a key is email_taken when it is repeated, and the password signs in', async () => {
      const client = await newClient(service())
      const email = newEmail()
      await losing(DECIDES.register, () => client.register(email))
      expectProblem(await client.register(email), 'email_taken')
      expect(await countRows(service(), client.tenant)).toEqual({ ...ONE_ACCOUNT, idempotency_keys: 0 })
      expect((await client.login(email)).status).toBe(200)
    })
  })

  describe('a sign-in', () => {
    test('is repeated for one more session, and nothing else', async () => {
      const { client, email } = await newCaller()
      const one = await countRows(service(), client.tenant)
      const more = (sessions: number) => ({
        ...one,
        sessions: 1 + sessions,
        refresh_tokens: 1 + sessions,
        events: Number(one.events) + sessions,
      })
      await losing(DECIDES.login, () => client.login(email))
      expect(await countRows(service(), client.tenant), 'the lost one').toEqual(more(1))
      const { status, body } = await client.login(email)
      expect(status).toBe(200)
      expect(await countRows(service(), client.tenant)).toEqual(more(2))
      expect((await client.refresh(body.refresh_token)).status).toBe(200)
    })

    test('that fails is counted once, and so is its repeat', async () => {
      const { client, email } = await newCaller()
      const at = { tenant: client.tenant, email }
      await losing(DECIDES.failedLogin, () => client.login(email, WRONG))
      expect(await failuresAt(service(), at)).toBe(1)
      expectProblem(await client.login(email, WRONG), 'invalid_credentials')
      expect(await failuresAt(service(), at)).toBe(2)
    })

    test('that fails again and again is not unlimited: after five, the right password waits too', async () => {
      const { client, email } = await newCaller()
      for (let guess = 0; guess < 5; guess++)
        await losing(DECIDES.failedLogin, () => client.login(email, WRONG))
      expect(await failuresAt(service(), { tenant: client.tenant, email })).toBe(5)
      expectProblem(await client.login(email), 'rate_limited')
    })
  })

  describe('a sign-out', () => {
    const proofs: [string, (client: Client, tokens: Tokens) => Promise<Answer<unknown>>][] = [
      ['refresh token', (client, { refresh_token }) => client.logout(refresh_token)],
      [
        'bearer token',
        (client, { access_token }) => client.call('/v1/logout', { method: 'POST', bearer: access_token }),
      ],
    ]

    test.each(proofs)('by %s is 204 when it is repeated, and ended the session once', async (__, signOut) => {
      const { client, tokens } = await newCaller()
      await losing(DECIDES.logout, () => signOut(client, tokens))
      const ended = await sessionRow(service(), tokens.session.id)
      expect(ended).toMatchObject({ revoked_at: expect.any(Date), revoke_reason: 'signed_out' })
      expect((await signOut(client, tokens)).status).toBe(204)
      expect(await sessionRow(service(), tokens.session.id)).toEqual(ended)
      expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.ended': 1 })
    })
  })

  describe('a revocation', () => {
    /** What is asked for, which of [own, first, second] it ends, and what the repeat answers. */
    const revocations: [string, (ids: string[]) => string, boolean[], 204 | 401][] = [
      ['one other session', ([, other]) => `/v1/sessions/${other}`, [false, true, false], 204],
      ['the other sessions', () => '/v1/sessions?except=current', [false, true, true], 204],
      // The caller's own session has ended, and that is what 401 says.
      ['the own session', ([own]) => `/v1/sessions/${own}`, [true, false, false], 401],
      ['all sessions', () => '/v1/sessions', [true, true, true], 401],
    ]

    test.each(revocations)(
      'of %s ends them once; its repeat answers as documented',
      async (__, path, ends, status) => {
        const { client, tokens } = await newCaller()
        const own = tokens.session.id
        const ids = [own, await plantSession(service(), own), await plantSession(service(), own)]
        const revoke = () => client.call(path(ids), { method: 'DELETE', bearer: tokens.access_token })
        const rows = () =>
          service().sql(
            'select revoked_at, revoke_reason from sessions where id = any($1) order by array_position($1::uuid[], id)',
            [ids],
          )
        await losing(DECIDES.revoke, revoke)
        const ended = await rows()
        expect(ended.map(({ revoke_reason: reason }) => reason === 'revoked')).toEqual(ends)

        const repeated = await revoke()
        if (status === 401) expectProblem(repeated, 'invalid_token')
        expect(repeated.status).toBe(status)
        expect(await rows()).toEqual(ended)
        expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.revoked': 1 })
      },
    )
  })

  test('a change of name is 200 when it is repeated', async () => {
    const { client, tokens } = await newCaller()
    const json = { name: 'Ada Lovelace' }
    const rename = () => client.call('/v1/me', { method: 'PATCH', bearer: tokens.access_token, json })
    await losing(DECIDES.updateMe, rename)
    const unchanged = { locale: null, operational_mail: true, external_id: null, public_metadata: {} }
    const renamed = { ...tokens.user, ...json, ...unchanged }
    expect((await client.me(tokens.access_token)).body).toEqual(renamed)
    expect(await rename()).toMatchObject({ status: 200, body: renamed })
  })
})

/** The session has one unused refresh token, and it is this one. */
async function expectOnlyLeaf({ session }: Pick<Tokens, 'session'>, text = ''): Promise<void> {
  const token = parseRefreshToken(text)
  if (token === null) throw new Error('that is no refresh token')
  const { hash } = await hashRefreshToken(parseKeyring(service().bindings.AUTH_KEYS ?? ''), token)
  const leaves = await service().sql<{ hash: Buffer }>(
    'select hash from refresh_tokens where session_id = $1 and used_at is null',
    [session.id],
  )
  expect(leaves.map((leaf) => leaf.hash.toString('hex'))).toEqual([Buffer.from(hash).toString('hex')])
}

describe('a caller who hangs up', () => {
  let stage: Stage
  /** The caller's connection: theirs who call next. */
  let line = new AbortController()

  beforeAll(async () => {
    const fetch: Service['fetch'] = (url, init) => service().fetch(url, { ...init, signal: line.signal })
    stage = await prepareStage(service(), { ...service(), fetch })
  })

  /** The status of the answer, unless the caller leaves before it is there. */
  function begin({ call }: Attempt) {
    line = new AbortController()
    const outcome = call().then(
      ({ status }) => status,
      () => 'left' as const,
    )
    return { outcome, hangUp: line.abort.bind(line) }
  }

  /** The caller is back and asks again: done, or said to be done already. */
  async function expectEndsWell({ repeats }: FaultedOperation, attempt: Attempt): Promise<void> {
    line = new AbortController()
    const { status } = await attempt.call()
    const isDone = status === attempt.success.status || (!repeats && [400, 401, 404, 409].includes(status))
    expect(isDone, `answered ${status}`).toBe(true)
    if (repeats) expect(await expectWholeOrNone(attempt)).toBe('whole')
  }

  /** All of its effect or nothing of it. */
  async function expectWholeOrNone({ facts }: Attempt): Promise<'whole' | 'none'> {
    const found = await facts()
    const [isThere, ...others] = new Set(Object.values(found))
    expect(others, JSON.stringify(found)).toEqual([])
    return isThere ? 'whole' : 'none'
  }

  const rows = Object.values(OPERATIONS).flatMap(([operation]) =>
    operation?.writes ? [[operation.title, operation] as const] : [],
  )

  /** Far enough apart to meet each of the trips, and the hash between them. */
  const MOMENTS_MS = [0, 3, 6, 10, 15, 25, 40, 60]

  test.each(rows)('%s: at any moment, there is all of its effect or nothing', async (_, operation) => {
    const attempts: Attempt[] = []
    const seen = new Set<unknown>()
    for (const moment of MOMENTS_MS) {
      const attempt = await operation.prepare(stage)
      attempts.push(attempt)
      const { outcome, hangUp } = begin(attempt)
      setTimeout(hangUp, moment)
      seen.add(await outcome)
      const effect = await expectWholeOrNone(attempt)
      if ((await outcome) !== 'left') expect(effect, `after ${await outcome}`).toBe('whole')
    }
    expect(seen).toContain('left')
    await untilIdle()
    for (const attempt of attempts) await expectWholeOrNone(attempt)
    for (const attempt of attempts) await expectEndsWell(operation, attempt)
    await expectNothingHalf()
  })

  test.each(rows)(
    '%s: while its statement runs, there is all of its effect or nothing',
    async (_, operation) => {
      const attempt = await operation.prepare(stage)
      const holder = await service().connect()
      await holder.query('begin')
      await holder.query(
        'lock table tenants, users, sessions, passkeys, providers, webhook_endpoints, webhook_deliveries in exclusive mode',
      )
      try {
        const { outcome, hangUp } = begin(attempt)
        await untilWaiting(service(), 1)
        hangUp()
        expect(await outcome).toBe('left')
      } finally {
        await holder.query('rollback')
        await holder.end()
      }
      await untilIdle()
      await expectWholeOrNone(attempt)
      await expectEndsWell(operation, attempt)
      await expectNothingHalf()
    },
  )

  async function untilIdle(): Promise<void> {
    const { sql, database } = service()
    const countBusy = async () => {
      const [row] = await sql<{ busy: number }>(
        `select count(*)::int as busy from pg_stat_activity
         where datname = $1 and application_name = 'neon-endpoint' and state <> 'idle'`,
        [database],
      )
      return row?.busy
    }
    await expect.poll(countBusy, { interval: 2, timeout: 60_000 }).toBe(0)
  }

  const isNotPlanted = `coalesce(email, '') not like '%${PLANTED}'`

  async function expectNothingHalf(): Promise<void> {
    const [half] = await service().sql(
      `select
         (select count(*)::int from sessions where impersonator_id is null and not exists (
            select from refresh_tokens where session_id = sessions.id)) as "sessions without a token",
         (select count(*)::int from refresh_tokens used where used_at is not null and not exists (
            select from refresh_tokens where parent_id = used.id)) as "used tokens without a successor",
         (select count(*)::int from users where ${isNotPlanted} and not exists (
            select from passwords where user_id = users.id) and not exists (
            select from events where subject = users.id and (data ->> 'password' = 'removed'
              or type in ('user.invited', 'user.created', 'user.deleted', 'user.restored', 'email.reverted')))) as "accounts without a password",
         (select count(*)::int from users where ${isNotPlanted} and not exists (
            select from sessions where user_id = users.id) and not exists (
            select from events where type in ('user.imported', 'user.invited', 'user.created') and subject = users.id)) as "accounts that never had a session"`,
    )
    expect(new Set(Object.values(half ?? {}))).toEqual(new Set([0]))
  }
})
