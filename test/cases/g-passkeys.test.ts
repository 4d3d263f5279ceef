/** CASES G: passkeys. Everything here is sent by an authenticator that makes what it is told to make. */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type Client, countBy, newClient, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import {
  cbor,
  createPasskey,
  type Deviation,
  type Passkey,
  usePasskey,
} from '../support/passkey-authenticator.ts'
import {
  attemptRegistration,
  attemptSignIn,
  finishRegistration,
  finishSignIn,
  newPasskey,
  registrationOptions,
  signInOptions,
} from '../support/passkeys.ts'
import { type TenantOptions, useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const BURST = { timeout: 120_000 }
const MANY = 50

async function newOwner(deviation: Parameters<typeof newPasskey>[2] = {}, options: TenantOptions = {}) {
  const client = await newClient(service(), options)
  const { email, tokens } = await client.newAccount()
  return { client, email, tokens, ...(await newPasskey(client, tokens, deviation)) }
}

const statusOf = ({ status }: { status: number }) => status

const countSessions = async ({ user }: Tokens) => {
  const rows = await service().sql('select 1 from sessions where user_id = $1', [user.id])
  return rows.length
}

const countPasskeys = async ({ user }: Tokens) => {
  const rows = await service().sql('select 1 from passkeys where user_id = $1', [user.id])
  return rows.length
}

/** What Redis holds of ceremonies. */
const ceremonies = async () => (await service().redis(['KEYS', 'lk:ceremony:*'])) as string[] // a list of names

describe('G01: a challenge is made here, and is good for what it was made for', () => {
  test('one that the caller made up, and an answer that was given before', async () => {
    const { client, tokens, passkey } = await newOwner()
    const made = randomBytes(32).toString('base64url')
    expectProblem((await attemptSignIn(client, passkey, { challenge: made })).answer, 'invalid_passkey')
    expectProblem((await attemptRegistration(client, tokens, { challenge: made })).answer, 'invalid_passkey')
    const { credential, cookie, answer } = await attemptSignIn(client, passkey)
    expect(answer.status).toBe(200)
    expectProblem(await finishSignIn(client, { credential, cookie }), 'invalid_passkey')
  })

  test('of another ceremony: one for adding a passkey signs no one in, and one for signing in adds none', async () => {
    const { client, tokens, passkey } = await newOwner()
    const adding = await registrationOptions(client, tokens)
    const { origin } = client.tenant
    const asserted = usePasskey(passkey, adding.options, origin)
    expectProblem(
      await finishSignIn(client, { credential: asserted, cookie: adding.cookie }),
      'invalid_passkey',
    )
    const signingIn = await signInOptions(client)
    const { challenge } = signingIn.options
    const { credential } = createPasskey({ ...adding.options, challenge }, origin)
    expectProblem(
      await finishRegistration(client, tokens, { credential, cookie: signingIn.cookie }),
      'invalid_passkey',
    )
  })

  test("of another account: a passkey made by one account's challenge is not added to another", async () => {
    const { client, tokens } = await newOwner()
    const { tokens: other } = await client.newAccount()
    const { options, cookie } = await registrationOptions(client, tokens)
    const { credential } = createPasskey(options, client.tenant.origin)
    expectProblem(await finishRegistration(client, other, { credential, cookie }), 'invalid_passkey')
    expect(await countPasskeys(other)).toBe(0)
    expect(
      (await finishRegistration(client, tokens, { credential, cookie })).status,
      'it is theirs still',
    ).toBe(201)
  })

  test('of another browser: without the cookie, with another, with two; and its own browser still can', async () => {
    const { client, tokens, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const { cookie: another } = await signInOptions(client)
    expect(another).not.toBe(cookie)
    for (const sent of ['', another, `${cookie}; ${another}`])
      expectProblem(await finishSignIn(client, { credential, cookie: sent }), 'invalid_passkey')
    expect((await finishSignIn(client, { credential, cookie })).status).toBe(200)
    const adding = await registrationOptions(client, tokens)
    const made = createPasskey(adding.options, client.tenant.origin)
    expectProblem(
      await finishRegistration(client, tokens, { credential: made.credential, cookie: another }),
      'invalid_passkey',
    )
  })

  test('of another tenant, also where both have the same domain and the same passkey', async () => {
    const { client, passkey, tokens } = await newOwner()
    const settings = { passkey_rp_id: passkey.rpId, passkey_origins: undefined }
    const elsewhere = await newClient(service(), { settings, allowedOrigins: [client.tenant.origin] })
    const { tokens: theirs } = await elsewhere.newAccount()
    await service().sql(
      `insert into passkeys (id, tenant_id, user_id, credential_id, public_key, counter, backup_eligible, backed_up, aaguid, name)
       select gen_random_uuid(), $1, $2, credential_id, public_key, 0, true, true, aaguid, name from passkeys
       where user_id = $3`,
      [elsewhere.tenant.id, theirs.user.id, tokens.user.id],
    )
    const { options, cookie } = await signInOptions(client)
    const theirHandle = (await signInHandle(elsewhere, theirs)) ?? ''
    const credential = usePasskey(passkey, options, client.tenant.origin, { userHandle: theirHandle })
    expectProblem(await finishSignIn(elsewhere, { credential, cookie }), 'invalid_passkey')
    const own = await signInOptions(elsewhere)
    const asserted = usePasskey(passkey, own.options, client.tenant.origin, { userHandle: theirHandle })
    const answer = await finishSignIn(elsewhere, { credential: asserted, cookie: own.cookie })
    expect(answer.body.user?.id, 'with a challenge of theirs it is theirs').toBe(theirs.user.id)
  })

  test('a failed answer uses it up', async () => {
    const { client, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const { origin } = client.tenant
    const wrong = usePasskey(passkey, options, origin, { origin: 'https://evil.example' })
    expectProblem(await finishSignIn(client, { credential: wrong, cookie }), 'invalid_passkey')
    const right = usePasskey(passkey, options, origin)
    expectProblem(await finishSignIn(client, { credential: right, cookie }), 'invalid_passkey')
  })

  test('lives five minutes, in Redis and by its own time', async () => {
    const { client, passkey } = await newOwner()
    const before = await ceremonies()
    const { options, cookie } = await signInOptions(client)
    const [key = ''] = (await ceremonies()).filter((one) => !before.includes(one))
    expect(key).toMatch(/^lk:ceremony:[\w-]{43}$/)
    const left = Number(await service().redis(['PTTL', key]))
    expect(left).toBeGreaterThan(290_000)
    expect(left).toBeLessThanOrEqual(300_000)
    // A failover may bring a value back without its end.
    const kept = JSON.parse(String(await service().redis(['GET', key])))
    await service().redis(['SET', key, JSON.stringify({ ...kept, expiresAt: Date.now() - 1 })])
    const credential = usePasskey(passkey, options, client.tenant.origin)
    expectProblem(await finishSignIn(client, { credential, cookie }), 'invalid_passkey')
  })
})

/** The handle that an account's authenticators keep. */
async function signInHandle(client: Client, { access_token: bearer }: Tokens) {
  const { body } = await client.call<{ user_handle: string }>('/v1/passkeys', { bearer })
  return body.user_handle
}

describe('G02: a challenge ends one ceremony', () => {
  test(`${MANY} answers to one challenge begin one session`, BURST, async () => {
    const { client, tokens, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const answers = await race(MANY, () => finishSignIn(client, { credential, cookie }))
    expect(countBy(answers, statusOf)).toEqual({ 200: 1, 401: MANY - 1 })
    expect(await countSessions(tokens)).toBe(2)
  })

  test(`${MANY} answers to one challenge add one passkey`, BURST, async () => {
    const { client, tokens } = await newOwner()
    const { options, cookie } = await registrationOptions(client, tokens)
    const made = Array.from({ length: MANY }, () => createPasskey(options, client.tenant.origin))
    const answers = await race(MANY, (n) =>
      finishRegistration(client, tokens, { credential: made[n]?.credential, cookie }),
    )
    expect(countBy(answers, statusOf)).toEqual({ 201: 1, 401: MANY - 1 })
    expect(await countPasskeys(tokens)).toBe(2)
  })

  test(
    `a Redis that hands the same challenge out ${MANY} times begins one session, and adds one passkey`,
    BURST,
    async () => {
      const { client, tokens, passkey } = await newOwner()
      const { origin } = client.tenant
      const signingIn = await signInOptions(client)
      const credential = usePasskey(passkey, signingIn.options, origin)
      const signIns = await failedOver(() => finishSignIn(client, { credential, cookie: signingIn.cookie }))
      expect(countBy(signIns, statusOf)).toEqual({ 200: 1, 401: MANY - 1 })
      expect(await countSessions(tokens)).toBe(2)

      const adding = await registrationOptions(client, tokens)
      const made = Array.from({ length: MANY }, () => createPasskey(adding.options, origin))
      const additions = await failedOver((n) =>
        finishRegistration(client, tokens, { credential: made[n]?.credential, cookie: adding.cookie }),
      )
      expect(countBy(additions, statusOf)).toEqual({ 201: 1, 401: MANY - 1 })
      expect(await countPasskeys(tokens)).toBe(2)
    },
  )

  test('a Redis that was flushed in between: refused, and a new challenge is answered', async () => {
    const { client, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    await service().redis(['FLUSHALL'])
    const credential = usePasskey(passkey, options, client.tenant.origin)
    expectProblem(await finishSignIn(client, { credential, cookie }), 'invalid_passkey')
    expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
  })

  test('a Redis that is away: 503, nothing begins, and no challenge is made', async () => {
    const { client, tokens, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    service().gates.redis.set('refusing')
    try {
      expectProblem(await finishSignIn(client, { credential, cookie }), 'upstream_unavailable')
      const { access_token: bearer } = tokens
      for (const [path, call] of [
        ['/v1/passkeys/login/options', {}],
        ['/v1/passkeys/register/options', { bearer }],
      ] as const)
        expectProblem(await client.call(path, { json: {}, ...call }), 'upstream_unavailable')
    } finally {
      service().gates.redis.set('open')
    }
    expect(await countSessions(tokens)).toBe(1)
    expect((await finishSignIn(client, { credential, cookie })).status).toBe(200)
  })
})

/** `MANY` calls, while something puts back what Redis had before, as a replica that was behind would. */
async function failedOver<Answer>(call: (n: number) => Promise<Answer>): Promise<Answer[]> {
  const held = await Promise.all(
    (await ceremonies()).map(async (key) => [key, String(await service().redis(['GET', key]))] as const),
  )
  let isOver = false
  const restoring = (async () => {
    while (!isOver) {
      for (const [key, value] of held) await service().redis(['SET', key, value, 'PX', '300000'])
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  try {
    return await race(MANY, call)
  } finally {
    isOver = true
    await restoring
  }
}

/** What is not an answer of an honest browser on an origin of the tenant's. */
const FOREIGN: [what: string, deviation: (own: string, rpId: string) => Deviation][] = [
  ['another origin', () => ({ origin: 'https://evil.example' })],
  ['a subdomain that no one allowed', (_, rpId) => ({ origin: `http://sub.${rpId}` })],
  ['a domain that ends in ours', (_, rpId) => ({ origin: `http://evil${rpId}` })],
  ['another scheme', (own) => ({ origin: own.replace('http:', 'https:') })],
  ['another port', (own) => ({ origin: `${own}:8443` })],
  ['our origin with a path', (own) => ({ origin: `${own}/` })],
  ['our origin in capitals', (own) => ({ origin: own.toUpperCase() })],
  ['no origin', () => ({ origin: '' })],
  ['the origin `null`', () => ({ origin: 'null' })],
  ['an app that no one allowed', () => ({ origin: `android:apk-key-hash:${'A'.repeat(43)}` })],
  ['another ceremony', () => ({ type: 'payment.get' })],
  ['no ceremony', () => ({ type: '' })],
  ['another domain', () => ({ rpId: 'evil.example' })],
  ['the domain above ours', () => ({ rpId: 'test' })],
  ['a frame of another site', () => ({ crossOrigin: true })],
  ['a frame that names the page around it', () => ({ topOrigin: 'https://evil.example' })],
  ['a frame of another site, which is named', (own) => ({ crossOrigin: true, topOrigin: own })],
]

describe('G03: origin, domain, ceremony and frame', () => {
  test.each(FOREIGN)('%s: neither signs in nor is added', async (_, deviationOf) => {
    const { client, tokens, passkey } = await newOwner()
    const deviation = deviationOf(client.tenant.origin, passkey.rpId)
    expectProblem((await attemptSignIn(client, passkey, deviation)).answer, 'invalid_passkey')
    expectProblem((await attemptRegistration(client, tokens, deviation)).answer, 'invalid_passkey')
    expect(await countSessions(tokens)).toBe(1)
    expect(await countPasskeys(tokens)).toBe(1)
  })

  test('what was made for adding signs no one in, and what signs in adds nothing', async () => {
    const { client, tokens, passkey } = await newOwner()
    expectProblem(
      (await attemptSignIn(client, passkey, { type: 'webauthn.create' })).answer,
      'invalid_passkey',
    )
    expectProblem(
      (await attemptRegistration(client, tokens, { type: 'webauthn.get' })).answer,
      'invalid_passkey',
    )
  })

  test('an origin that the tenant allows and the domain covers is one of its own; one that it does not cover is not', async () => {
    const host = `own-${randomBytes(4).toString('hex')}.test`
    const allowedOrigins = [`https://app.${host}`, `http://${host}:3000`, 'https://elsewhere.example']
    const { client, passkey } = await newOwner({}, { host, allowedOrigins })
    for (const origin of allowedOrigins.slice(0, 2))
      expect((await attemptSignIn(client, passkey, { origin })).answer.status, origin).toBe(200)
    const origin = 'https://elsewhere.example'
    expectProblem((await attemptSignIn(client, passkey, { origin })).answer, 'invalid_passkey')
  })

  test('the domain and the origins are what the tenant says, whatever the request says', async () => {
    const app = `android:apk-key-hash:${'A'.repeat(43)}`
    const passkey_origins = ['https://app.example.com', 'https://example.de', app]
    const settings = { passkey_rp_id: 'example.com', passkey_origins }
    const client = await newClient(service(), { settings })
    const { tokens } = await client.newAccount()
    const headers = {
      'x-forwarded-host': 'evil.example',
      host: 'evil.example',
      referer: 'https://evil.example',
    }
    const { body } = await client.call<{ rp: { id: string } }>('/v1/passkeys/register/options', {
      bearer: tokens.access_token,
      json: {},
      headers: { ...headers, host: client.tenant.host },
    })
    expect(body.rp.id).toBe('example.com')
    expect((await signInOptions(client)).options.rpId).toBe('example.com')
    const { passkey } = await newPasskey(client, tokens, { origin: 'https://app.example.com' })
    for (const origin of passkey_origins)
      expect((await attemptSignIn(client, passkey, { origin })).answer.status, origin).toBe(200)
    for (const origin of ['https://example.com', client.tenant.origin])
      expectProblem((await attemptSignIn(client, passkey, { origin })).answer, 'invalid_passkey')
  })
})

describe('G04: the person was there, and the authenticator knew them', () => {
  test.each([
    ['no one touched it', { present: false }],
    ['no PIN and no fingerprint', { verified: false }],
    ['neither', { present: false, verified: false }],
  ])('%s: neither signs in nor is added', async (_, deviation) => {
    const { client, tokens, passkey } = await newOwner()
    expectProblem((await attemptSignIn(client, passkey, deviation)).answer, 'invalid_passkey')
    expectProblem((await attemptRegistration(client, tokens, deviation)).answer, 'invalid_passkey')
    expect(await countSessions(tokens)).toBe(1)
    expect(await countPasskeys(tokens)).toBe(1)
  })

  test('a session that begins so says how, and that it is of level 2', async () => {
    const { client, passkey } = await newOwner()
    const { body } = (await attemptSignIn(client, passkey)).answer
    const [, payload = ''] = body.access_token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    expect(claims.amr).toEqual(['pop', 'user', 'mfa'])
    const [row] = await service().sql('select amr, aal from sessions where id = $1', [body.session.id])
    expect(row).toEqual({ amr: ['pop', 'user', 'mfa'], aal: 2 })
    const { body: listed } = await client.listSessions(body.access_token)
    expect(listed.data[0]?.methods).toEqual(['pop', 'user', 'mfa'])
  })
})

test("G05: another person's passkey: 404 to rename it and to delete it, not listed, and unchanged", async () => {
  const { client, tokens, listed, passkey } = await newOwner()
  const { tokens: other } = await client.newAccount()
  const elsewhere = await newOwner()
  for (const { client: from, tokens: by } of [{ client, tokens: other }, elsewhere]) {
    const path = `/v1/passkeys/${listed.id}`
    const { access_token: bearer } = by
    expectProblem(await from.call(path, { method: 'DELETE', bearer }), 'not_found')
    expectProblem(await from.call(path, { method: 'PATCH', bearer, json: { name: 'Mine' } }), 'not_found')
    const { body } = await from.call<{ data: { id: string }[] }>('/v1/passkeys', { bearer })
    expect(body.data.map(({ id }) => id)).not.toContain(listed.id)
  }
  const { body } = await client.call<{ data: object[] }>('/v1/passkeys', { bearer: tokens.access_token })
  expect(body.data).toEqual([listed])
  expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
})

describe('G06: a passkey belongs to one account', () => {
  test('one that another account of the tenant has: 409, and it stays theirs', async () => {
    const { client, tokens, passkey } = await newOwner()
    const { tokens: other } = await client.newAccount()
    for (const by of [other, tokens]) {
      const { answer } = await attemptRegistration(client, by, { id: passkey.id })
      expectProblem(answer, 'passkey_exists')
    }
    expect(await countPasskeys(other)).toBe(0)
    expect((await attemptSignIn(client, passkey)).answer.body.user.id).toBe(tokens.user.id)
  })

  test('an assertion that says it is of another account, or of none', async () => {
    const { client, passkey } = await newOwner()
    const { tokens: other } = await client.newAccount()
    const theirs = await signInHandle(client, other)
    const padded = `${passkey.userHandle}AA`
    for (const userHandle of [theirs, null, '', 'AAAA', padded])
      expectProblem((await attemptSignIn(client, passkey, { userHandle })).answer, 'invalid_passkey')
  })

  test("a key that signs in another passkey's name, and a signature that was changed", async () => {
    const { client, passkey } = await newOwner()
    const other = await newOwner()
    const { passkey: another } = await newPasskey(client, (await client.newAccount()).tokens)
    for (const signer of [other.passkey, another]) {
      const thief: Passkey = { ...passkey, privateKey: signer.privateKey }
      expectProblem((await attemptSignIn(client, thief)).answer, 'invalid_passkey')
    }
    const { options, cookie } = await signInOptions(client)
    const honest = usePasskey(passkey, options, client.tenant.origin)
    const response = honest.response as Record<string, string> // of usePasskey, texts all
    const changed = { ...honest, response: { ...response, signature: flipped(response.signature ?? '') } }
    expectProblem(await finishSignIn(client, { credential: changed, cookie }), 'invalid_passkey')
  })
})

/** With one bit changed. */
function flipped(base64url: string): string {
  const bytes = Buffer.from(base64url, 'base64url')
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1)
  return bytes.toString('base64url')
}

describe('G07: a counter that goes back', () => {
  test.each([4, 5])(
    'is refused (%i after 5) where the passkey is on one device, and told',
    async (counter) => {
      const { client, tokens, passkey } = await newOwner({ counter: 5, backupEligible: false })
      expectProblem((await attemptSignIn(client, passkey, { counter })).answer, 'invalid_passkey')
      expect(await countSessions(tokens)).toBe(1)
      expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'passkey.counter_went_back': 1 })
      expect((await attemptSignIn(client, passkey, { counter: 6 })).answer.status).toBe(200)
    },
  )

  test('is told and no more where the passkey is backed up: copies count by themselves', async () => {
    const { client, tokens, passkey, listed } = await newOwner({ counter: 5 })
    expect((await attemptSignIn(client, passkey, { counter: 2 })).answer.status).toBe(200)
    const [event] = await service().sql<{ data: object }>(
      `select data from events where type = 'passkey.counter_went_back' and subject = $1`,
      [tokens.user.id],
    )
    expect(event?.data).toEqual({ passkey_id: listed.id, refused: false })
    const [row] = await service().sql('select counter from passkeys where id = $1', [listed.id])
    expect(row, 'the highest is remembered').toEqual({ counter: '5' })
  })

  test('of none at all is no counter', async () => {
    const { client, tokens, passkey } = await newOwner({ counter: 0, backupEligible: false })
    for (let time = 0; time < 2; time++)
      expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
    expect(await countEvents(service(), tokens.user.id)).not.toHaveProperty('passkey.counter_went_back')
  })

  test(`${MANY} sign-ins with one count, each with a challenge of its own, are one`, BURST, async () => {
    const { client, tokens, passkey } = await newOwner({ counter: 5, backupEligible: false })
    const asked = await race(MANY, () => signInOptions(client))
    const answers = await race(MANY, (n) => {
      const { options, cookie } = asked[n] ?? { options: { challenge: '' }, cookie: '' }
      const credential = usePasskey(passkey, options, client.tenant.origin, { counter: 6 })
      return finishSignIn(client, { credential, cookie })
    })
    expect(countBy(answers, statusOf)).toEqual({ 200: 1, 401: MANY - 1 })
    expect(await countSessions(tokens)).toBe(2)
  })

  test('a passkey of one device that says it is copied is another one: refused', async () => {
    const { client, passkey } = await newOwner({ counter: 5, backupEligible: false })
    for (const deviation of [
      { counter: 1, backupEligible: true, backedUp: true },
      { counter: 1, backedUp: true },
      { backupEligible: true },
    ])
      expectProblem((await attemptSignIn(client, passkey, deviation)).answer, 'invalid_passkey')
  })
})

const STATES: [what: string, change: string][] = [
  ['disabled', `update users set status = 'disabled' where id = $1`],
  ['closed', 'update users set deleted_at = now() where id = $1'],
]

describe('G08: the account', () => {
  test.each(STATES)('that is %s answers as a passkey that no one has', async (_, change) => {
    const { client, tokens, passkey } = await newOwner()
    await service().sql(change, [tokens.user.id])
    await expectAsUnknown(client, passkey, tokens)
  })

  test('that was never proved, where a proof comes first, answers as a passkey that no one has', async () => {
    const { client, tokens, passkey } = await newOwner()
    await service().sql(`update tenants set settings = '{"registration":"verify-first"}' where id = $1`, [
      client.tenant.id,
    ])
    await expectAsUnknown(client, passkey, tokens)
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
  })

  test('that is disabled between reading and deciding begins nothing', async () => {
    const { client, tokens, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query(`update users set status = 'disabled' where id = $1`, [tokens.user.id])
      const answering = finishSignIn(client, { credential, cookie })
      const waiting = `select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`
      await expect.poll(() => service().sql(waiting, [service().database])).not.toEqual([])
      await holder.query('commit')
      expectProblem(await answering, 'invalid_passkey')
    } finally {
      await holder.end()
    }
    expect(await countSessions(tokens)).toBe(1)
  })

  test('a passkey that was taken away answers as one that no one has', async () => {
    const { client, tokens, passkey, listed } = await newOwner()
    const path = `/v1/passkeys/${listed.id}`
    await client.call(path, { method: 'DELETE', bearer: tokens.access_token })
    await expectAsUnknown(client, passkey, tokens)
  })
})

/** Byte for byte but for the id of the request, and after as many trips. */
async function expectAsUnknown(client: Client, passkey: Passkey, tokens: Tokens) {
  const before = await countSessions(tokens)
  const known = (await attemptSignIn(client, passkey)).answer
  const unknown = (await attemptSignIn(client, { ...passkey, id: randomBytes(20) })).answer
  expectProblem(known, 'invalid_passkey')
  const shown = ({ status, headers, body, trips }: typeof known) => ({
    status,
    trips,
    body: { ...body, request_id: null },
    headers: [...headers].filter(([name]) => !/^(date|x-request-id|server-timing)$/.test(name)),
  })
  expect(shown(known)).toEqual(shown(unknown))
  expect(await countSessions(tokens)).toBe(before)
}

describe('G09: what is asked before anyone has signed in tells nothing of anyone', () => {
  test('the options name no passkey, take no address, and are of one form', async () => {
    const { client, email } = await newOwner()
    const empty = await newClient(service())
    const forms = await Promise.all(
      [client, client, empty].map(async (one) => {
        const { options, answer } = await signInOptions(one)
        expect(options).toEqual({
          rpId: new URL(one.tenant.origin).hostname,
          challenge: expect.stringMatching(/^[\w-]{43}$/),
          timeout: 300_000,
          userVerification: 'required',
          allowCredentials: [],
        })
        return { trips: answer.trips, length: JSON.stringify(options).length - one.tenant.origin.length }
      }),
    )
    expect(new Set(forms.map((form) => JSON.stringify(form))).size).toBe(1)
    for (const json of [{ email }, { username: email }])
      expectProblem(await client.call('/v1/passkeys/login/options', { json }), 'invalid_input')
  })

  test('a thousand challenges are a thousand, of 32 bytes each', BURST, async () => {
    const client = await newClient(service())
    const asked = await race(1000, () => signInOptions(client))
    const challenges = asked.map(({ options }) => options.challenge)
    expect(new Set(challenges).size).toBe(1000)
    for (const challenge of challenges) expect(Buffer.from(challenge, 'base64url').length).toBe(32)
  })

  test('the options for adding name the passkeys of the caller alone', async () => {
    const { client, tokens, listed } = await newOwner()
    const { tokens: other } = await client.newAccount()
    const { options } = await registrationOptions(client, tokens)
    expect(options.excludeCredentials).toEqual([
      { type: 'public-key', id: listed.credential_id, transports: ['internal', 'hybrid'] },
    ])
    expect((await registrationOptions(client, other)).options.excludeCredentials).toEqual([])
    expect(options).toMatchObject({
      attestation: 'none',
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
    })
  })
})

const nested = (depth: number) => Buffer.concat([Buffer.alloc(depth, 0x81), Buffer.from([0])])

/** Attestation objects that are none, or that no one asked for. */
const JUNK: [what: string, attestationObject: (honest: string) => string][] = [
  ['nothing', () => ''],
  ['text', () => Buffer.from('no CBOR').toString('base64url')],
  ['10,000 lists in each other', () => nested(10_000).toString('base64url')],
  ['1,000 maps in each other', () => Buffer.alloc(1000, 0xa1).toString('base64url')],
  [
    'a list that says it is 4 GB long',
    () => Buffer.from([0x9a, 0xff, 0xff, 0xff, 0xff]).toString('base64url'),
  ],
  ['an empty map', () => cbor(new Map()).toString('base64url')],
  [
    'no data of an authenticator',
    () =>
      cbor(
        new Map<string, unknown>([
          ['fmt', 'none'],
          ['attStmt', new Map()],
        ]),
      ).toString('base64url'),
  ],
  ['half of an honest one', (honest) => honest.slice(0, 100)],
]

describe('G10: limits and junk', () => {
  test('the 21st passkey is refused, and 20 are listed in one answer', async () => {
    const { client, tokens } = await newOwner()
    for (let n = 0; n < 19; n++) await client.plantedPasskey(tokens)
    expectProblem((await attemptRegistration(client, tokens)).answer, 'too_many_passkeys')
    const { body } = await client.call<{ data: object[]; next_cursor: null }>('/v1/passkeys', {
      bearer: tokens.access_token,
    })
    expect(body).toMatchObject({ data: { length: 20 }, next_cursor: null })
  })

  test('an attestation of 64 kB', async () => {
    const { client, tokens } = await newOwner()
    const { options, cookie } = await registrationOptions(client, tokens)
    const { credential } = createPasskey(options, client.tenant.origin)
    const response = { ...(credential.response as object), attestationObject: 'A'.repeat(65_536) }
    const answer = await finishRegistration(client, tokens, {
      credential: { ...credential, response },
      cookie,
    })
    expectProblem(answer, 'payload_too_large')
  })

  test.each(JUNK)('an attestation that is %s', async (_, junk) => {
    const { client, tokens } = await newOwner()
    const { options, cookie } = await registrationOptions(client, tokens)
    const { credential } = createPasskey(options, client.tenant.origin)
    const response = credential.response as { attestationObject: string } // of createPasskey
    const attestationObject = junk(response.attestationObject)
    const answer = await finishRegistration(client, tokens, {
      credential: { ...credential, response: { ...response, attestationObject } },
      cookie,
    })
    expectProblem(answer, 'invalid_passkey')
  })

  test('a form of attestation that no one knows, and those that we did not ask for', async () => {
    const { client, tokens } = await newOwner()
    const certificate = [randomBytes(300)]
    const statement = new Map<string, unknown>([
      ['alg', -7],
      ['sig', randomBytes(70)],
      ['x5c', certificate],
    ])
    for (const deviation of [
      { format: 'unknown' },
      { format: '' },
      ...['packed', 'tpm', 'android-key', 'android-safetynet', 'fido-u2f', 'apple'].map((format) => ({
        format,
        statement,
      })),
      { format: 'none', statement },
      { format: 'packed' },
    ])
      expectProblem((await attemptRegistration(client, tokens, deviation)).answer, 'invalid_passkey')
    expect(await countPasskeys(tokens)).toBe(1)
  })

  test('algorithms that were not offered', async () => {
    const { client, tokens } = await newOwner()
    for (const coseAlgorithm of [-36, -37, -65_535, 0])
      expectProblem((await attemptRegistration(client, tokens, { coseAlgorithm })).answer, 'invalid_passkey')
    expect(await countPasskeys(tokens)).toBe(1)
  })

  test('client data that is no JSON, no object, or lacks what it must say', async () => {
    const { client, tokens, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const honest = usePasskey(passkey, options, client.tenant.origin)
    const said = [
      '',
      'x',
      'null',
      '[]',
      '{}',
      '"text"',
      `{"challenge":"${options.challenge}"}`,
      '\u0000',
      '{"type":{}}',
    ]
    for (const text of said) {
      const clientDataJSON = Buffer.from(text).toString('base64url')
      const response = { ...(honest.response as object), clientDataJSON }
      const answer = await finishSignIn(client, { credential: { ...honest, response }, cookie })
      expectProblem(answer, 'invalid_passkey')
    }
    expect(await countSessions(tokens)).toBe(1)
  })
})
