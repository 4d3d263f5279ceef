/** A signing key that SIGNING_SEAL_KEYS does not open: said at once, replaced in one step, and never a success. */
import { randomBytes } from 'node:crypto'
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOperatorContext, type OperatorContext } from '../../ops/context.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { generateSigningKey } from '../../src/crypto/signing.ts'
import { revokeSigningKeys, rotateSigningKeys } from '../../src/keys/rotation.ts'
import { openSigningKeyRow, sealSigningKey } from '../../src/keys/sealed-key.ts'
import { createClient, newClient, newEmail, PASSWORD, race, type Tokens } from '../support/client.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { HOURLY, linesOf } from '../support/hourly.ts'
import { runKeys } from '../support/keyring.ts'
import { type Service, startService } from '../support/service.ts'
import { backdateUse, generations, untilWaiting } from '../support/sessions.ts'

type Row = { kid: string; state: string; is_over: boolean }

const rowsOf = ({ sql }: Service) =>
  sql<Row>(`select kid, state, coalesce(expires_at <= now(), false) as is_over from signing_keys
    order by state, created_at`)
const counts = (rows: Row[], state: string) => rows.filter((row) => row.state === state).length
const kidOf = ({ access_token }: Tokens) => decodeProtectedHeader(access_token).kid

/** What an operator uses whose shell has this ring. */
const operatorOf = ({ bindings }: Service, ring: string) =>
  createOperatorContext({ ...bindings, SIGNING_SEAL_KEYS: ring }, ['DATABASE_URL', 'SIGNING_SEAL_KEYS'])

/** @throws unless the key that signs now opens under this ring */
async function expectSigns(service: Service, ring: string): Promise<string> {
  const ctx = operatorOf(service, ring)
  const [row] = await service.sql<{ kid: string; sealedPrivateJwk: string }>(
    `select kid, sealed_private_jwk as "sealedPrivateJwk" from signing_keys where state = 'current'`,
  )
  const key = row && (await openSigningKeyRow(ctx, row))
  if (!key || 'reason' in key) throw new Error(`the current key does not open: ${JSON.stringify(key)}`)
  return key.kid
}

const RINGS = [
  {
    replaced: 'by a key of another id',
    ring: newKeyringEntry('s2'),
    reason: 'no key called s1',
    refreshTrips: 1,
  },
  {
    replaced: 'by other bytes under the same id',
    ring: newKeyringEntry('s1'),
    reason: 'not the key that sealed it',
    // The id does not tell, so the rotation is made and taken back.
    refreshTrips: 2,
  },
]

describe.each(RINGS)('SIGNING_SEAL_KEYS replaced $replaced', ({ ring, reason, refreshTrips }) => {
  let before: Service
  let service: Service
  beforeAll(async () => {
    before = await startService()
    await rotateSigningKeys(before.operator, { algorithm: 'EdDSA' }) // publishes the next key
    service = await startService({ beside: before, bindings: { SIGNING_SEAL_KEYS: ring } })
  })
  afterAll(async () => {
    await service?.stop()
    await before?.stop()
  })

  /** 503 with Retry-After, and an ERROR line that names the key and the id that it was sealed under. */
  function expectCannotSign(answer: Parameters<typeof expectProblem>[0], kid: string) {
    expectProblem(answer, 'upstream_unavailable')
    const id = answer.headers.get('x-request-id') ?? ''
    const line =
      service.logs().find((text) => text.includes(id) && text.includes('"message":"request"')) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({
      level: 'error',
      status: 503,
      cause: expect.stringContaining(kid),
    })
    expect(line).toContain('s1')
    expect(line).toContain(reason)
  }

  test('keys 4: readiness is 503 and names the signing key, after one trip to each', async () => {
    const [current] = await rowsOf(service)
    const answer = await (await newClient(service)).call('/readyz')
    expect(answer).toMatchObject({
      status: 503,
      body: { status: 'failed', postgres: 'ok', redis: 'ok', signing_key: 'failed', auth_keys: 'ok' },
      trips: { postgres: 1, redis: 1 },
    })
    expectCommonHeaders(answer)
    const line = linesOf(service).findLast(({ message }) => message === 'not ready')
    expect(line).toMatchObject({ level: 'error', upstream: 'signing key' })
    expect(line?.cause).toContain(current?.kid)
    expect(line?.cause).toContain('s1')
  })

  test('keys 4: a sign-in is 503, for an unknown address as for an account, and nothing is written', async () => {
    const [current] = await rowsOf(service)
    const good = await newClient(before)
    const email = newEmail()
    expect((await good.register(email)).status).toBe(201)
    const there = createClient(service, good.tenant)
    for (const answer of [await there.login(email), await there.login(newEmail()), await there.register()])
      expectCannotSign(answer, current?.kid ?? '')
    const [{ sessions } = { sessions: 0 }] = await service.sql(
      'select count(*)::int as sessions from sessions where tenant_id = $1',
      [good.tenant.id],
    )
    expect(sessions, 'of the registration').toBe(1)
  })

  test('keys 4: a refresh is 503 and uses nothing up that could end the session', async () => {
    const good = await newClient(before)
    const { tokens } = await good.signUp()
    const there = createClient(service, good.tenant)
    const [current] = await rowsOf(service)
    const refused = await there.refresh(tokens.refresh_token)
    expectCannotSign(refused, current?.kid ?? '')
    expect(refused.trips.postgres, 'what the id tells is known before anything is used').toBe(refreshTrips)
    expect(await generations(service, tokens.session.id)).toMatchObject([{ used: false }])
    await backdateUse(service, tokens.session.id, 60)
    expect((await good.refresh(tokens.refresh_token)).status, 'an hour later, once a key can sign').toBe(200)
  })

  test('keys 4: the hourly job raises an ALARM and one step makes a current and a next key that open', async () => {
    const good = await newClient(before)
    const { tokens, email } = await good.signUp()
    const [current, next] = await rowsOf(service)
    const skipped = service.logs().length
    await service.runCron(HOURLY)
    const lines = linesOf(service, skipped)
    const alarms = lines.filter(({ message }) => String(message).startsWith('ALARM: signing key'))
    expect(alarms.map(({ level, kid, key_id }) => ({ level, kid, key_id }))).toEqual(
      [current, next].map((row) => ({ level: 'error', kid: row?.kid, key_id: 's1' })),
    )
    expect(lines.find(({ message }) => message === 'signing keys checked')).toMatchObject({
      outcome: 'replaced',
    })

    const rows = await rowsOf(service)
    expect([counts(rows, 'current'), counts(rows, 'next'), counts(rows, 'retired')]).toEqual([1, 1, 1])
    expect(rows.find(({ state }) => state === 'retired')).toMatchObject({ kid: current?.kid, is_over: false })
    await expectSigns(service, ring)
    const there = createClient(service, good.tenant)
    expect((await there.call('/readyz')).status).toBe(200)
    expect((await there.login(email)).status).toBe(200)
    expect((await there.me(tokens.access_token)).status, 'a token from before').toBe(200)
    const { body } = await (await newClient(service)).call<JSONWebKeySet>('/.well-known/jwks.json')
    expect(body.keys.map(({ kid }) => kid)).toContain(current?.kid)

    const again = service.logs().length
    await service.runCron(HOURLY)
    expect(
      linesOf(service, again).filter(({ message }) => String(message).startsWith('ALARM: signing')),
    ).toEqual([])
  })
})

describe('npm run keys -- rotate', { timeout: 120_000 }, () => {
  let service: Service
  let own: string
  beforeAll(async () => {
    service = await startService()
    own = String(service.bindings.SIGNING_SEAL_KEYS)
  })
  afterAll(async () => service?.stop())

  test.each([[[]], [['--now']]])(
    'keys 4: rotate %j replaces what the ring at hand does not open, and says so',
    async (flags) => {
      const strange = newKeyringEntry('s7')
      const [current] = await rowsOf(service)
      const { status, printed } = await runKeys(service, ['rotate', ...flags], strange)
      expect(status).toBe(0)
      expect(printed).toContain(`replaced ${current?.kid}, which could not be decrypted`)
      expect(printed).toContain('up to 11 minutes when they wait for its max-age')
      const kid = await expectSigns(service, strange)
      expect(printed).toContain(`${kid} signs now`)
      await runKeys(service, ['rotate'])
      await expectSigns(service, own)
    },
  )

  test('keys 4: a next key alone that does not open is replaced, and the current one goes on', async () => {
    const signed = await expectSigns(service, own)
    const key = await generateSigningKey('EdDSA', new Date())
    const sealed = await sealSigningKey(parseKeyring(newKeyringEntry('s8')), key, randomBytes)
    await service.sql(`delete from signing_keys where state = 'next'`)
    await service.sql(
      `insert into signing_keys (kid, alg, public_jwk, sealed_private_jwk, state) values ($1, 'EdDSA', $2, $3, 'next')`,
      [key.kid, JSON.stringify(key.publicJwk), sealed],
    )
    const immediate = await rotateSigningKeys(service.operator, { algorithm: 'EdDSA', immediately: true })
    expect(immediate).toMatchObject({
      outcome: 'replaced',
      signs: null,
      unopenable: [{ kid: key.kid, keyId: 's8' }],
    })
    expect(await expectSigns(service, own)).toBe(signed)
    const rows = await rowsOf(service)
    expect(rows.map(({ kid }) => kid)).not.toContain(key.kid)
    expect(counts(rows, 'next')).toBe(1)
  })

  test.each([
    [
      'a rotation goes on with the current one',
      (ctx: OperatorContext) => rotateSigningKeys(ctx, { algorithm: 'EdDSA', immediately: true }),
    ],
    [
      'a revocation makes one that signs at once',
      (ctx: OperatorContext, kid: string) => revokeSigningKeys(ctx, [kid]),
    ],
  ])('keys 4: where another next key, which was not opened, came meanwhile, %s', async (what, change) => {
    await rotateSigningKeys(service.operator, { algorithm: 'EdDSA' })
    const signed = await expectSigns(service, own)
    const key = await generateSigningKey('EdDSA', new Date())
    const sealed = await sealSigningKey(parseKeyring(newKeyringEntry('s6')), key, randomBytes)
    const holder = await service.connect()
    try {
      await holder.query('begin')
      await holder.query(`select pg_advisory_xact_lock(hashtext('latchkey signing keys'))`)
      const changing = change(service.operator, signed)
      await untilWaiting(service, 1)
      await holder.query(
        `update signing_keys set kid = $1, public_jwk = $2, sealed_private_jwk = $3 where state = 'next'`,
        [key.kid, JSON.stringify(key.publicJwk), sealed],
      )
      await holder.query('commit')
      await changing
    } finally {
      await holder.end()
    }
    const signs = await expectSigns(service, own)
    expect(signs).not.toBe(key.kid)
    expect(signs === signed).toBe(what.startsWith('a rotation'))
  })

  test('keys 4: a forced rotation says how long verifiers refuse what they have not seen', async () => {
    await rotateSigningKeys(service.operator, { algorithm: 'EdDSA' })
    await service.sql(
      `update signing_keys set created_at = now() - interval '12 minutes' where state = 'next'`,
    )
    const first = await runKeys(service, ['rotate', '--now'])
    expect(first.printed).toContain('Every cached JWKS that has not expired has it.')
    const second = await runKeys(service, ['rotate', '--now'])
    expect(second.printed).toContain('It was published only recently')
    expect(second.printed).toMatch(/up to 1 minute when they fetch it again for an unknown kid/)
    expect(second.printed).toMatch(/up to 11 minutes when they wait for its max-age/)
    await service.sql(
      `update signing_keys set created_at = now() - interval '5 minutes' where state = 'next'`,
    )
    const third = await runKeys(service, ['rotate', '--now'])
    expect(third.printed).toMatch(/up to 0 minutes when they fetch it again/)
    expect(third.printed).toMatch(/up to 6 minutes when they wait/)
  })

  test('keys 4: 50 rotations at once over keys that do not open leave one current key that opens and one next', async () => {
    const strange = newKeyringEntry('s9')
    const operator = operatorOf(service, strange)
    const steps = await race(50, (index) =>
      rotateSigningKeys(operator, { algorithm: 'EdDSA', immediately: index % 2 === 0 }),
    )
    expect(steps.filter(({ outcome }) => outcome === 'replaced')).toHaveLength(1)
    const rows = await rowsOf(service)
    expect([counts(rows, 'current'), counts(rows, 'next')]).toEqual([1, 1])
    await expectSigns(service, strange)
    await runKeys(service, ['rotate'])
    expect((await (await newClient(service)).register(newEmail(), PASSWORD)).status).toBe(201)
  })
})

describe('a deployment without any signing key', () => {
  let service: Service
  beforeAll(async () => {
    service = await startService()
    await service.sql('delete from signing_keys')
  })
  afterAll(async () => service?.stop())

  test('keys 4: the JWKS is 503 and in no cache, never an empty set', async () => {
    const answer = await (await newClient(service)).call('/.well-known/jwks.json')
    expectProblem(answer, 'upstream_unavailable')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('retry-after')).toMatch(/^[1-5]$/)
  })

  test('keys 4: readiness and sign-in are 503 until one is made, and then work', async () => {
    const client = await newClient(service)
    expect((await client.call('/readyz')).body).toMatchObject({ signing_key: 'failed' })
    expectProblem(await client.register(), 'upstream_unavailable')
    await service.runCron(HOURLY)
    expect((await client.call('/readyz')).status).toBe(200)
    const { status, body } = await client.register()
    expect(status).toBe(201)
    const { body: set } = await client.call<JSONWebKeySet>('/.well-known/jwks.json')
    expect(set.keys.map(({ kid }) => kid)).toEqual([kidOf(body)])
  })
})
