import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import {
  countBy,
  createClient,
  newClient,
  race,
  unknownRefreshToken,
  untilLimited,
} from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { CLEARED, expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { retireKeys } from '../support/keyring.ts'
import { startService, useLentService } from '../support/service.ts'
import { backdateUse, countEvents, generations, sessionRow, untilWaiting } from '../support/sessions.ts'

const service = useLentService()

afterEach(() => service().gates.redis.set('open'))

everyRoute(service, {
  method: 'POST',
  path: '/v1/refresh',
  allow: 'POST',
  caller: 'refresh_token',
  json: { refresh_token: unknownRefreshToken() },
  bodyIsOptional: true,
  toNoToken: 401,
  toForeignToken: 401,
})

async function newSession() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return { client, email, tokens, sessionId: tokens.session.id }
}

describe('accepts', () => {
  test('exchanges a token for its successor and a new access token', async () => {
    const { client, tokens, sessionId } = await newSession()
    const answer = await client.refresh(tokens.refresh_token)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.body.refresh_token).toMatch(/^lkr_[A-Za-z0-9_-]{43}$/)
    expect(answer.body.refresh_token).not.toBe(tokens.refresh_token)
    expect(answer.body).toMatchObject({ token_type: 'Bearer', session: tokens.session, user: tokens.user })
    expect(answer.body.expires_in).toBeGreaterThanOrEqual(570)
    expect(answer.body.expires_in).toBeLessThanOrEqual(600)
    expect((await client.me(answer.body.access_token)).body).toMatchObject(tokens.user)
    expect((await generations(service(), sessionId)).map(({ used }) => used)).toEqual([true, false])
  })

  test('goes on for generation after generation', async () => {
    const { client, tokens, sessionId } = await newSession()
    let { refresh_token: token } = tokens
    for (let generation = 0; generation < 5; generation++) {
      const { status, body } = await client.refresh(token)
      expect(status).toBe(200)
      token = body.refresh_token
    }
    const rows = await generations(service(), sessionId)
    expect(rows.map(({ parent_id }) => parent_id)).toEqual([null, ...rows.slice(0, -1).map(({ id }) => id)])
  })

  test('answers a repeat within 30 seconds with the same successor and writes nothing', async () => {
    const { client, tokens, sessionId } = await newSession()
    const first = await client.refresh(tokens.refresh_token)
    await backdateUse(service(), sessionId, 28)
    const second = await client.refresh(tokens.refresh_token)
    expect(second.status).toBe(200)
    expect(second.body.refresh_token).toBe(first.body.refresh_token)
    expect(await generations(service(), sessionId)).toHaveLength(2)
    expect((await client.refresh(first.body.refresh_token)).status).toBe(200)
  })

  test('takes the cookie of our own page and answers with its successor in the cookie alone', async () => {
    const { client, tokens } = await newSession()
    const headers = {
      cookie: `a=b; __Host-latchkey=${tokens.refresh_token}`,
      'sec-fetch-site': 'same-origin',
    }
    const answer = await client.call('/v1/refresh', { method: 'POST', headers })
    expect(answer.status).toBe(200)
    expect(answer.body).not.toHaveProperty('refresh_token')
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-latchkey=lkr_[A-Za-z0-9_-]{43}; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect(answer.headers.get('set-cookie')).not.toContain(tokens.refresh_token)
  })

  test('takes the cookie from an origin that the tenant allows, and lets that page read the answer', async () => {
    const origin = 'https://app.example.com'
    const client = await newClient(service(), { allowedOrigins: [origin] })
    const { tokens } = await client.signUp()
    const headers = { cookie: `__Host-latchkey=${tokens.refresh_token}`, origin }
    const answer = await client.call('/v1/refresh', { method: 'POST', headers })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
    expect(answer.headers.get('vary')).toContain('Origin')
  })

  test('never lets a token outlive its session, and says how long it lives (FINDINGS F22)', async () => {
    const { client, tokens, sessionId } = await newSession()
    await service().sql("update sessions set expires_at = now() + interval '100 s' where id = $1", [
      sessionId,
    ])
    const { body } = await client.refresh(tokens.refresh_token)
    expect(body.refresh_expires_in).toBeGreaterThan(90)
    expect(body.refresh_expires_in).toBeLessThanOrEqual(100)
  })

  test('stays open while Redis is away: the rotation itself is decided in PostgreSQL', async () => {
    const { client, tokens } = await newSession()
    service().gates.redis.set('refusing')
    const answer = await client.refresh(tokens.refresh_token)
    expect(answer.status).toBe(200)
    expect((await client.refresh(answer.body.refresh_token)).status).toBe(200)
  })
})

describe('refuses', () => {
  test('a token that no one was given', async () => {
    const { client } = await newSession()
    expectProblem(await client.refresh(unknownRefreshToken()), 'invalid_grant')
  })

  test.each([
    ['whose session is past its absolute end', "update sessions set expires_at = now() - interval '1 s'"],
    ['whose session was idle for too long', "update sessions set idle_expires_at = now() - interval '1 s'"],
    ['whose session was revoked', "update sessions set revoked_at = now(), revoke_reason = 'revoked'"],
  ])('a token %s', async (_, statement) => {
    const { client, tokens, sessionId } = await newSession()
    await service().sql(`${statement} where id = $1`, [sessionId])
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expect(await generations(service(), sessionId)).toMatchObject([{ used: false }])
  })

  test('a token that is past its own end', async () => {
    const { client, tokens, sessionId } = await newSession()
    const expire = "update refresh_tokens set expires_at = now() - interval '1 s' where session_id = $1"
    await service().sql(expire, [sessionId])
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
  })

  test.each([
    ['is disabled', "update users set status = 'disabled' where id = $1"],
    ['was erased', 'update users set deleted_at = now(), email = null where id = $1'],
  ])('a token whose account %s, and does not use it up (CASES B03)', async (_, change) => {
    const { client, tokens, sessionId } = await newSession()
    await service().sql(change, [tokens.user.id])
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expect(await generations(service(), sessionId)).toMatchObject([{ used: false }])
  })

  test('a token only while its account is disabled', async () => {
    const { client, tokens } = await newSession()
    const setStatus = (status: string) =>
      service().sql('update users set status = $2 where id = $1', [tokens.user.id, status])
    await setStatus('disabled')
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    await setStatus('active')
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
  })

  test('the 61st try of one token in a minute, and says when to come back', async () => {
    const { client } = await newSession()
    const token = unknownRefreshToken()
    const answers = await race(60, () => client.refresh(token))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 401: 60 })
    const refused = await untilLimited(() => client.refresh(token))
    expectProblem(refused, 'rate_limited')
    expect(refused.headers.get('ratelimit-policy')).toBe('"token";q=60;w=60')
    expect(refused.headers.get('ratelimit')).toMatch(/^"token";r=0;t=\d+$/)
  })
})

describe('races', () => {
  test.each([1, 2, 3, 4, 5])(
    '50 simultaneous refreshes of one token: all 200, one and the same successor, one row used (run %i)',
    async () => {
      const { client, tokens, sessionId } = await newSession()
      const answers = await race(50, () => client.refresh(tokens.refresh_token))
      expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 50 })
      expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
      const [first, successor, ...more] = await generations(service(), sessionId)
      expect(more).toEqual([])
      expect([first?.used, successor?.used]).toEqual([true, false])
      expect(successor?.parent_id).toBe(first?.id)
      const [{ body }] = answers as [(typeof answers)[number]]
      expect((await client.refresh(body.refresh_token)).status, 'the successor works').toBe(200)
      expect((await sessionRow(service(), sessionId)).revoked_at).toBeNull()
    },
  )

  test('50 refreshes that wait for the same lock and are let go together: one rotation', async () => {
    const { client, tokens, sessionId } = await newSession()
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query('select from sessions where id = $1 for update', [sessionId])
    const racing = race(50, () => client.refresh(tokens.refresh_token))
    await untilWaiting(service(), 50)
    await holder.query('commit')
    await holder.end()
    const answers = await racing
    expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 50 })
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1)
    expect((await generations(service(), sessionId)).map(({ used }) => used)).toEqual([true, false])
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    '50 refreshes that race a sign-out leave no living token (run %i)',
    async (run) => {
      const { client, tokens, sessionId } = await newSession()
      const signOut = () =>
        run % 2 === 0
          ? client.logout(tokens.refresh_token)
          : client.call('/v1/logout', { method: 'POST', bearer: tokens.access_token })
      const answers = await race(51, (index) =>
        index === run * 5 ? signOut() : client.refresh(tokens.refresh_token),
      )
      const {
        200: refreshed = 0,
        204: signedOut,
        401: refused = 0,
      } = countBy(answers, ({ status }) => status)
      expect({ signedOut, refreshes: refreshed + refused }).toEqual({ signedOut: 1, refreshes: 50 })
      expect(await sessionRow(service(), sessionId)).toMatchObject({ revoke_reason: 'signed_out' })

      const issued = answers.filter(({ status }) => status === 200).map(({ body }) => body)
      const newest = issued[0]?.refresh_token ?? tokens.refresh_token
      expectProblem(await client.refresh(String(newest)), 'invalid_grant')
      const access = issued[0]?.access_token ?? tokens.access_token
      expectProblem(await client.me(String(access)), 'invalid_token')
    },
  )

  test('a refresh that waits while the session is signed out gets nothing', async () => {
    const { client, tokens, sessionId } = await newSession()
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query("update sessions set revoked_at = now(), revoke_reason = 'signed_out' where id = $1", [
      sessionId,
    ])
    const racing = race(10, () => client.refresh(tokens.refresh_token))
    await untilWaiting(service(), 10)
    await holder.query('commit')
    await holder.end()
    for (const answer of await racing) expectProblem(answer, 'invalid_grant')
    expect(await generations(service(), sessionId)).toMatchObject([{ used: false }])
  })
})

describe('attacks', () => {
  test('a second use by another device after 30 seconds ends the session, successor and all, and is recorded once', async () => {
    const { client, tokens, sessionId } = await newSession()
    const { body } = await client.refresh(tokens.refresh_token)
    await backdateUse(service(), sessionId, 31)
    const elsewhere = { json: { refresh_token: tokens.refresh_token }, headers: { 'user-agent': 'thief' } }
    expectProblem(await client.call('/v1/refresh', elsewhere), 'invalid_grant')
    expect(await sessionRow(service(), sessionId)).toMatchObject({ revoke_reason: 'reuse_detected' })
    expectProblem(await client.refresh(body.refresh_token), 'invalid_grant')
    expectProblem(await client.me(body.access_token), 'invalid_token')
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.reuse_detected': 1 })
  })

  test('a used token stays used when its successor is gone, and makes no other', async () => {
    const { client, tokens, sessionId } = await newSession()
    await client.refresh(tokens.refresh_token)
    await service().sql('delete from refresh_tokens where session_id = $1 and parent_id is not null', [
      sessionId,
    ])
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expect(await generations(service(), sessionId)).toHaveLength(1)
  })

  test('50 simultaneous late uses by another device end the session and are recorded once', async () => {
    const { client, tokens, sessionId } = await newSession()
    await client.refresh(tokens.refresh_token)
    await backdateUse(service(), sessionId, 31)
    const elsewhere = { json: { refresh_token: tokens.refresh_token }, headers: { 'user-agent': 'thief' } }
    for (const answer of await race(50, () => client.call('/v1/refresh', elsewhere)))
      expectProblem(answer, 'invalid_grant')
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.reuse_detected': 1 })
  })

  test('a repeat within 30 seconds, after the successor was used, is a thief', async () => {
    const { client, tokens, sessionId } = await newSession()
    const second = await client.refresh(tokens.refresh_token)
    const third = await client.refresh(second.body.refresh_token)
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expect(await sessionRow(service(), sessionId)).toMatchObject({ revoke_reason: 'reuse_detected' })
    expectProblem(await client.refresh(third.body.refresh_token), 'invalid_grant')
  })

  test('an old token that was stolen two generations ago ends the session and no other (CASES B02)', async () => {
    const { client, email, tokens, sessionId } = await newSession()
    const other = await client.signIn(email)
    const second = await client.refresh(tokens.refresh_token)
    const third = await client.refresh(second.body.refresh_token)
    await backdateUse(service(), sessionId, 31)
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expectProblem(await client.refresh(third.body.refresh_token), 'invalid_grant')
    expect((await client.refresh(other.refresh_token)).status).toBe(200)
  })

  test("a used token on another tenant's host revokes nothing", async () => {
    const { client, tokens, sessionId } = await newSession()
    const { body } = await client.refresh(tokens.refresh_token)
    await backdateUse(service(), sessionId, 31)
    expectProblem(await (await newClient(service())).refresh(tokens.refresh_token), 'invalid_grant')
    expect((await sessionRow(service(), sessionId)).revoked_at).toBeNull()
    expect((await client.refresh(body.refresh_token)).status).toBe(200)
  })

  test('a cookie does nothing without word from the browser on where the request comes from (CASES J03)', async () => {
    const { client, tokens, sessionId } = await newSession()
    const cookie = `__Host-latchkey=${tokens.refresh_token}`
    const contexts = [
      {},
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { origin: `${client.tenant.origin}.evil.test` },
      { origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' },
    ]
    for (const context of contexts) {
      const answer = await client.call('/v1/refresh', { method: 'POST', headers: { cookie, ...context } })
      expectProblem(answer, 'origin_not_allowed')
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    }
    expect(await generations(service(), sessionId)).toMatchObject([{ used: false }])
  })

  test('a cookie that is sent twice, or under a name that only looks like ours, is refused (CASES J08)', async () => {
    const { client, tokens } = await newSession()
    const { refresh_token: token } = tokens
    const withCookie = (cookie: string) =>
      client.call('/v1/refresh', { method: 'POST', headers: { cookie, 'sec-fetch-site': 'same-origin' } })
    const twice = `__Host-latchkey=${unknownRefreshToken()}; __Host-latchkey=${token}`
    expectProblem(await withCookie(twice), 'invalid_request')
    for (const name of ['latchkey', '__HOST-latchkey', '\u00a0__Host-latchkey', '__Secure-latchkey'])
      expectProblem(await withCookie(`${name}=${token}`), 'no_session')
    expectProblem(await withCookie(`__Host-latchkey="${token}"`), 'invalid_grant', [CLEARED])
    expect((await client.refresh(token)).status).toBe(200)
  })
})

describe('what is stored (FINDINGS F05)', () => {
  test('a dump of the whole database holds neither a token nor a plain hash of it', async () => {
    const { client, tokens } = await newSession()
    const { body } = await client.refresh(tokens.refresh_token)
    const { sql } = service()
    const tables = await sql<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    )
    let dump = ''
    for (const { name } of tables)
      for (const { row } of await sql<{ row: string }>(`select t::text as row from "${name}" t`))
        dump += `${row}\n`
    expect(dump).toContain(tokens.session.id)
    for (const token of [tokens.refresh_token, body.refresh_token]) {
      const secret = token.slice('lkr_'.length)
      const raw = Buffer.from(secret, 'base64url')
      expect(dump).not.toContain(secret)
      expect(dump).not.toContain(raw.toString('hex'))
      for (const input of [token, secret, raw]) {
        const digest = createHash('sha256').update(input).digest()
        for (const encoding of ['hex', 'base64', 'base64url'] as const)
          expect(dump).not.toContain(digest.toString(encoding))
      }
    }
  })

  test('a new key keeps old tokens alive, and a repeat across the rotation has the same successor', async () => {
    const { client, tokens, sessionId } = await newSession()
    const second = await client.refresh(tokens.refresh_token)
    const keyring = `${newKeyringEntry('k2')},${service().bindings.AUTH_KEYS}`
    const rotated = await startService({ beside: service(), bindings: { AUTH_KEYS: keyring } })
    try {
      const clientAfter = createClient(rotated, client.tenant)
      const repeat = await clientAfter.refresh(tokens.refresh_token)
      expect(repeat.body.refresh_token, 'a repeat').toBe(second.body.refresh_token)
      const third = await clientAfter.refresh(second.body.refresh_token)
      expect(third.status, 'a token of the old key').toBe(200)
      expect((await generations(service(), sessionId)).map(({ key_id }) => key_id)).toEqual([
        'k1',
        'k1',
        'k2',
      ])
      const fourth = await clientAfter.refresh(third.body.refresh_token)
      expect(fourth.status, 'a token of the new key').toBe(200)
    } finally {
      await rotated.stop()
      await retireKeys(service(), 'k2')
    }
  })
})
