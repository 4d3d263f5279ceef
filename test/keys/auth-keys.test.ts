/** keys 1: rotating AUTH_KEYS. A key that one Worker has and another lacks is our fault, and never a caller's. */
import { describe, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { attemptsAt, failuresAt, WRONG } from '../support/attempts.ts'
import {
  type Answer,
  type Client,
  countBy,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
  unknownRefreshToken,
} from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { HASHES } from '../support/import-users.ts'
import { type Service, type ServiceOptions, startService, useService } from '../support/service.ts'

const K2 = newKeyringEntry('k2')

/** Nothing is limited here: the answers are compared many times over. */
const LIMITS = { LIMITS_MULTIPLIER: '1000' }

/** Several Workers start for each of these, and some of them hash a hundred times. */
const SLOW = { timeout: 180_000 }

type Rings = Record<string, string>

/** Services on one backend, whose rings are these; the first one's is what `service` has, unless it is named. */
async function withRings<Names extends string>(
  rings: Record<Names, (k1: string) => string>,
  use: (services: Record<Names, Service>, base: Service) => Promise<void>,
  options: Omit<ServiceOptions, 'beside' | 'bindings'> = {},
) {
  const base = await startService({ bindings: LIMITS })
  const started: Service[] = []
  try {
    const k1 = base.bindings.AUTH_KEYS ?? ''
    const services: Partial<Record<Names, Service>> = {}
    for (const name of Object.keys(rings) as Names[]) {
      const bindings: Rings = { ...LIMITS, AUTH_KEYS: rings[name](k1) }
      services[name] = await startService({ ...options, beside: base, bindings })
      started.push(services[name])
    }
    await use(services as Record<Names, Service>, base) // every name has one by now
  } finally {
    for (const service of started) await service.stop()
    await base.stop()
  }
}

/** 503 with Retry-After, and an ERROR line that names the key id and nothing of the key. */
function expectLacksKey(answer: Answer<unknown>, service: Service, keyId = 'k2') {
  expectProblem(answer, 'upstream_unavailable')
  const id = answer.headers.get('x-request-id') ?? ''
  const lines = service.logs().filter((line) => line.includes(id) && line.includes('"message":"request"'))
  expect(lines).toHaveLength(1)
  const { level, status, cause } = JSON.parse(lines[0] ?? '')
  expect({ level, status }).toEqual({ level: 'error', status: 503 })
  expect(cause).toMatch(new RegExp(`\\b${keyId}\\b`))
}

/** What a caller can see of an answer, without what differs in every one. */
const seen = ({ status, body, trips }: Answer<unknown>) => ({
  status,
  code: (body as { code?: string }).code,
  title: (body as { title?: string }).title,
  trips,
})

describe('a key that a Worker lacks', SLOW, () => {
  test('keys 1: a refresh token of it, and a made-up one, are 503 there and never 401', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}`, ready: (k1) => `${k1},${K2}` }, async (on, behind) => {
      const client = await newClient(behind)
      const before = await client.signUp()
      const ahead = createClient(on.ahead, client.tenant)
      const { refresh_token } = await ahead.signIn(before.email)
      const rotated = (await ahead.refresh(before.tokens.refresh_token)).body.refresh_token

      for (const token of [refresh_token, rotated, unknownRefreshToken()])
        expectLacksKey(await client.refresh(token), behind)
      expectLacksKey(await client.logout(refresh_token), behind)
      const [one, other] = [await client.refresh(refresh_token), await client.refresh(unknownRefreshToken())]
      expect(seen(one)).toEqual(seen(other))
      expect(one.trips).toEqual({ postgres: 1, redis: 1 })

      // A Worker that has both goes on, whichever makes new things there, and only there is an unknown token the caller's fault.
      const ready = createClient(on.ready, client.tenant)
      expect((await ready.refresh(refresh_token)).status, 'nothing was used up').toBe(200)
      expectProblem(await ready.refresh(unknownRefreshToken()), 'invalid_grant')
      expect((await ready.refresh(rotated)).status).toBe(200)
      const own = await client.refresh((await ready.signIn(before.email)).refresh_token)
      expect(own.status, 'a token of a key that it has').toBe(200)
    })
  })

  test('keys 1: readiness there is 503 and names the key in the log, after one trip to each', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, behind) => {
      const client = await newClient(behind)
      const parts = { postgres: 'ok', redis: 'ok', signing_key: 'ok' }
      expect((await client.call('/readyz')).body).toEqual({ status: 'ok', ...parts, auth_keys: 'ok' })
      await createClient(ahead, client.tenant).signUp()
      expect(await client.call('/readyz')).toMatchObject({
        status: 503,
        body: { status: 'failed', ...parts, auth_keys: 'failed' },
        trips: { postgres: 1, redis: 1 },
      })
      const line = behind.logs().findLast((text) => text.includes('not ready')) ?? '{}'
      expect(JSON.parse(line)).toMatchObject({ level: 'error', upstream: 'AUTH_KEYS' })
      expect(JSON.parse(line).cause).toMatch(/\bk2\b/)
      expect((await createClient(ahead, client.tenant).call('/readyz')).status).toBe(200)
    })
  })

  test("keys 1: a cursor of it is 503 there in every list; one of a key that there never was is the caller's fault", async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, behind) => {
      const client = await newClient(behind)
      const { email, tokens } = await client.newAdmin()
      const { access_token: bearer } = await createClient(ahead, client.tenant).signIn(email)
      const { body } = await createClient(ahead, client.tenant).call<{ next_cursor: string }>(
        '/v1/sessions?limit=1',
        { bearer },
      )
      expect(body.next_cursor).toMatch(/^k2\./)
      for (const path of [
        '/v1/sessions',
        '/v1/webhooks',
        `/v1/webhooks/${tokens.session.id}/deliveries`,
        '/v1/admin/audit-events',
      ]) {
        expectLacksKey(await client.call(`${path}?cursor=${body.next_cursor}`, { bearer }), behind)
        const madeUp = body.next_cursor.replace('k2', 'k9')
        const answer = await createClient(ahead, client.tenant).call(`${path}?cursor=${madeUp}`, { bearer })
        expectProblem(answer, 'invalid_input')
      }
    })
  })

  test('keys 1: a sign-in there is 503 for every address alike, tries no password and counts nothing', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, behind) => {
      const client = await newClient(behind)
      const old = await client.signUp()
      const moved = await createClient(ahead, client.tenant).signUp()
      const answers = []
      for (const [email, password] of [
        [moved.email, PASSWORD],
        [moved.email, WRONG],
        [old.email, WRONG],
        [newEmail(), PASSWORD],
      ] as const) {
        const answer = await client.login(email, password)
        expectLacksKey(answer, behind)
        answers.push(seen(answer))
        expect(await attemptsAt(behind, { tenant: client.tenant, email })).toBeNull()
      }
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
      expect((await createClient(ahead, client.tenant).login(old.email)).status).toBe(200)
    })
  })

  test('keys 1: a code of it is 503 there, and is not counted as wrong', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, behind) => {
      const client = await newClient(behind)
      const { email, tokens } = await client.signUp()
      const there = createClient(ahead, client.tenant)
      expect((await there.call('/v1/email/code', { json: { email } })).status).toBe(202)
      const { code } = await there.mailed('sign_in', tokens)
      const redeem = (at: Client, address: string) =>
        at.call('/v1/email/code/verify', { json: { email: address, code } })
      expectLacksKey(await redeem(client, email), behind)
      expectLacksKey(await redeem(client, newEmail()), behind)
      expect((await redeem(there, email)).status, 'the code still works').toBe(200)
    })
  })

  test('keys 1: a signed-in caller whose password is of it is 503 there, and nothing is counted', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, behind) => {
      const client = await newClient(behind)
      const own = await client.signUp()
      const { tokens } = await createClient(ahead, client.tenant).signUp()
      const bearer = tokens.access_token
      const confirm = { json: { password: PASSWORD }, bearer }
      expectLacksKey(await client.call('/v1/password/confirm', confirm), behind)
      const change = { json: { current_password: PASSWORD, new_password: 'another horse battery' }, bearer }
      expectLacksKey(await client.call('/v1/password/change', change), behind)
      const at = { tenant: client.tenant, sessionId: tokens.session.id }
      expect(await failuresAt(behind, at)).toBe(0)

      const answer = await client.call('/v1/password/confirm', {
        json: { password: PASSWORD },
        bearer: own.tokens.access_token,
      })
      expect(answer.status, 'a password of the key that it has').toBe(200)
    })
  })

  test('keys 1: an answer kept under it is 503 there when it is asked for again', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, behind) => {
      const client = await newClient(behind)
      const request = {
        json: { email: newEmail(), password: PASSWORD },
        headers: { 'idempotency-key': crypto.randomUUID() },
      }
      expect((await createClient(ahead, client.tenant).call('/v1/register', request)).status).toBe(201)
      expectLacksKey(await client.call('/v1/register', request), behind)
    })
  })

  test('keys 1: a webhook secret of it is not tried there, and waits; the log names the key', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, behind) => {
      const client = await newClient(behind)
      const { tokens } = await client.newAdmin()
      const bearer = tokens.access_token
      const json = { url: 'http://127.0.0.1:9/in', events: ['*'] }
      const made = await createClient(ahead, client.tenant).call<{ id: string }>('/v1/webhooks', {
        json,
        bearer,
      })
      expect(made.status).toBe(201)
      const tried = await client.call(`/v1/webhooks/${made.body.id}/test`, { method: 'POST', bearer })
      expect(tried.status).toBeLessThan(300)
      await behind.queue('latchkey-deliveries', [{ endpoint_id: made.body.id }])
      const said = () => behind.logs().filter((line) => line.includes('could not attempt webhook delivery'))
      await expect.poll(() => said().length).toBeGreaterThan(0)
      expect(JSON.parse(said()[0] ?? '')).toMatchObject({ level: 'error', endpoint_id: made.body.id })
      expect(JSON.parse(said()[0] ?? '').cause).toMatch(/\bk2\b/)
      expect(
        await behind.sql('select state from webhook_deliveries where endpoint_id = $1', [made.body.id]),
      ).toEqual([{ state: 'pending' }])
    })
  })

  test('keys 1: a Worker with a foreign ring refuses, and never makes the right ones refuse', async () => {
    await withRings({ foreign: () => newKeyringEntry('k9') }, async ({ foreign }, right) => {
      const client = await newClient(right)
      const { email, tokens } = await client.signUp()
      const there = createClient(foreign, client.tenant)
      expectLacksKey(await there.login(email), foreign, 'k1')
      expectLacksKey(await there.register(newEmail()), foreign, 'k1')
      expectLacksKey(await there.refresh(tokens.refresh_token), foreign, 'k1')
      // What it would make here, no other Worker could read: a password that opens nothing.
      const password = 'another horse battery'
      for (const [path, purpose, json] of [
        ['/v1/password/reset', 'reset_password', { password }],
        ['/v1/invitations/accept', 'invitation', { password }],
        ['/v1/email/verify', 'verify_email', { new_password: password }],
      ] as const) {
        const { token } = await client.plant(purpose, tokens)
        expectLacksKey(await there.call(path, { json: { token, ...json } }), foreign, 'k1')
      }
      const imported = `update passwords set phc = $2, key_id = '(none)' where user_id = $1`
      await right.sql(imported, [tokens.user.id, HASHES['PBKDF2-SHA-256']?.(PASSWORD)])
      const change = { current_password: PASSWORD, new_password: password }
      for (const [path, json] of [
        ['/v1/password/change', change],
        ['/v1/password/confirm', { password: PASSWORD }],
      ] as const)
        expectLacksKey(await there.call(path, { json, bearer: tokens.access_token }), foreign, 'k1')
      await there.call('/v1/email/code', { json: { email } })
      await there.call('/v1/password/forgot', { json: { email } })
      expect((await client.login(email)).status, 'the password is as it was').toBe(200)
      expectProblem(await client.login(newEmail()), 'invalid_credentials')
      expectProblem(await client.refresh(unknownRefreshToken()), 'invalid_grant')
    })
  })
})

describe('the two steps', SLOW, () => {
  test('keys 1: while a key is added and then promoted, Worker after Worker, every call succeeds', async () => {
    const rings = {
      first: (k1: string) => k1,
      added: (k1: string) => `${k1},${K2}`,
      promoted: (k1: string) => `${K2},${k1}`,
    }
    await withRings(rings, async (on, base) => {
      const client = await newClient(base)
      // Before, during and after the first step; then during and after the second.
      for (const [one, other] of [
        [on.first, on.added],
        [on.added, on.added],
        [on.added, on.promoted],
        [on.promoted, on.promoted],
      ] as const) {
        const [here, there] = [createClient(one, client.tenant), createClient(other, client.tenant)]
        for (const [from, to] of [
          [here, there],
          [there, here],
        ] as const) {
          const { email, tokens } = await from.signUp()
          expect((await to.refresh(tokens.refresh_token)).status).toBe(200)
          expect((await to.login(email)).status).toBe(200)
          expectProblem(await to.login(email, WRONG), 'invalid_credentials')
          expectProblem(await to.login(newEmail()), 'invalid_credentials')
          expectProblem(await to.refresh(unknownRefreshToken()), 'invalid_grant')
        }
      }
    })
  })

  test('keys 1: 50 first sign-ins under a new key at once announce it once, and all succeed', async () => {
    await withRings({ ahead: (k1) => `${K2},${k1}` }, async ({ ahead }, base) => {
      const client = await newClient(base)
      const accounts = await race(50, () => client.signUp())
      const there = createClient(ahead, client.tenant)
      const answers = await race(50, (index) => there.login(accounts[index]?.email ?? ''))
      expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 50 })
      expect(
        await base.sql('select key_id from auth_keys where in_use_since is not null order by 1'),
      ).toEqual([{ key_id: 'k1' }, { key_id: 'k2' }])
    })
  })
})

const service = useService()

test('keys 1: a key that is in use is not written again by every sign-in', async () => {
  const client = await newClient(service())
  const { email } = await client.signUp()
  const version = async () => (await service().sql('select xmin, xmax from auth_keys'))[0]
  const before = await version()
  await race(10, () => client.login(email))
  expect(await version()).toEqual(before)
})
