import { deflateSync } from 'node:zlib'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import type * as Verifier from '../../packages/latchkey/src/verifier.ts'

/** As `npm ci` made it. */
const BUILT: string = '../../packages/latchkey/dist/verifier.js'
const latchkey = (await import(BUILT)) as typeof Verifier

const ISSUER = 'https://auth.example.com'
const JWKS = `${ISSUER}/.well-known/jwks.json`
const LIST = `${ISSUER}/.well-known/status-list?list=0`

type Key = Awaited<ReturnType<typeof newKey>>

async function newKey(kid: string, alg = 'EdDSA') {
  const { publicKey, privateKey } = await generateKeyPair(alg)
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** A service of two documents, with a clock that is set by hand, that counts what it is asked. */
async function newService() {
  const keys: Key[] = [await newKey('first')]
  const service = {
    keys,
    ended: [] as number[],
    at: Date.parse('2026-11-27T12:00:00Z'),
    isAway: false,
    asked: { [JWKS]: 0, [LIST]: 0 } as Record<string, number>,
    list: (payload: Record<string, unknown> = {}, typ = 'statuslist+jwt'): Promise<string> => {
      const bits = Buffer.alloc(2 ** 17)
      for (const index of service.ended) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
      return sign(keys[0] as Key, typ, {
        iss: ISSUER,
        sub: LIST,
        iat: service.at / 1000,
        exp: service.at / 1000 + 80,
        status_list: { bits: 1, lst: deflateSync(bits).toString('base64url') },
        ...payload,
      })
    },
    answerList: () => service.list(),
    token: (payload: Record<string, unknown> = {}, { key = keys[0] as Key, typ = 'at+jwt' } = {}) =>
      sign(key, typ, {
        iss: ISSUER,
        aud: ISSUER,
        sub: 'ada',
        client_id: 'web',
        sid: 'session',
        tid: 'acme',
        roles: ['editor'],
        scope: 'notes:read notes:write',
        amr: ['pwd'],
        acr: 'aal1',
        auth_time: service.at / 1000 - 60,
        iat: service.at / 1000,
        exp: service.at / 1000 + 600,
        jti: 'one',
        status: { status_list: { idx: 9, uri: LIST } },
        ...payload,
      }),
    fetch: async (url: string) => {
      service.asked[url] = (service.asked[url] ?? 0) + 1
      if (service.isAway) throw new TypeError('fetch failed')
      if (url === JWKS) return Response.json({ keys: keys.map(({ jwk }) => jwk) })
      if (url.startsWith(`${ISSUER}/.well-known/status-list`)) return new Response(await service.answerList())
      return new Response(null, { status: 404 })
    },
  }
  return service
}
type Service = Awaited<ReturnType<typeof newService>>

const sign = ({ kid, alg, privateKey }: Key, typ: string, payload: Record<string, unknown>) =>
  new SignJWT(payload).setProtectedHeader({ alg, kid, typ }).sign(privateKey)

const newVerifier = (service: Service, options: Partial<Verifier.VerifierOptions> = {}) =>
  latchkey.createVerifier({
    issuer: ISSUER,
    endedSessions: 'refuse',
    fetch: service.fetch,
    now: () => service.at,
    ...options,
  })

/** The code of the refusal, or 'accepted'. */
const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'accepted',
    (error: { name: string; code: string }) =>
      error.name === 'TokenError' ? error.code : Promise.reject(error),
  )

describe('tokens', () => {
  test('a token of the service is accepted, and its claims are given', async () => {
    const service = await newService()
    const claims = await newVerifier(service).verifyAccessToken(await service.token())
    expect(claims).toMatchObject({ sub: 'ada', roles: ['editor'], acr: 'aal1' })
  })

  test.each<[string, Record<string, unknown>, string?]>([
    ['another issuer', { iss: 'https://evil.example.com' }],
    ['another audience', { aud: 'https://other.example.com' }],
    ['one that has expired', { exp: 1_700_000_000 }],
    ['one without a session', { sid: undefined }],
    ['one without an account', { sub: undefined }],
    ['an ID token', {}, 'JWT'],
    ['a status list', {}, 'statuslist+jwt'],
    ['a list of another site', { status: { status_list: { idx: 9, uri: 'https://evil.example.com/list' } } }],
    ['a malformed status', { status: { status_list: { idx: -1, uri: LIST } } }],
    ['a place that the list does not have', { status: { status_list: { idx: 2 ** 20, uri: LIST } } }],
  ])('%s is refused', async (_, payload, typ) => {
    const service = await newService()
    const token = await service.token(payload, typ === undefined ? {} : { typ })
    expect(await outcome(newVerifier(service).verifyAccessToken(token))).toBe('invalid_token')
  })

  test('a key of the same name that is not the service’s, no signature, and no token are refused', async () => {
    const service = await newService()
    const verifier = newVerifier(service)
    const forged = await service.token({}, { key: await newKey('first') })
    const [, payload] = (await service.token()).split('.')
    const unsigned = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${payload}.`
    for (const token of [forged, unsigned, '', 'x', 'a.b.c', `${await service.token()}x`])
      expect(await outcome(verifier.verifyAccessToken(token))).toBe('invalid_token')
  })

  test('an algorithm that the service does not sign with is refused, whatever the key set says', async () => {
    const service = await newService()
    const key = await newKey('rsa', 'RS256')
    service.keys.push(key)
    const token = await service.token({}, { key })
    expect(await outcome(newVerifier(service).verifyAccessToken(token))).toBe('invalid_token')
  })

  test.each<[Verifier.Demands, string]>([
    [{ scopes: ['notes:read', 'notes:write'] }, 'accepted'],
    [{ scopes: ['notes:read', 'notes:delete'] }, 'insufficient_scope'],
    [{ roles: ['admin', 'editor'] }, 'accepted'],
    [{ roles: ['admin'] }, 'insufficient_scope'],
    [{ acr: 'aal1' }, 'accepted'],
    [{ acr: 'aal2' }, 'insufficient_user_authentication'],
    [{ maxAge: 60 }, 'accepted'],
    [{ maxAge: 10 }, 'insufficient_user_authentication'],
  ])('who demands %j has %s', async (demands, expected) => {
    const service = await newService()
    const token = await service.token()
    expect(await outcome(newVerifier(service).verifyAccessToken(token, demands))).toBe(expected)
  })
})

describe('keys', () => {
  test('are read once for many tokens, and after five minutes in the background', async () => {
    const service = await newService()
    const verifier = newVerifier(service, { endedSessions: 'ignore' })
    const token = await service.token()
    await Promise.all(Array.from({ length: 50 }, () => verifier.verifyAccessToken(token)))
    expect(service.asked[JWKS]).toBe(1)
    service.at += 301_000
    await verifier.verifyAccessToken(token)
    await verifier.verifyAccessToken(token)
    await expect.poll(() => service.asked[JWKS]).toBe(2)
  })

  test('a new key is asked for at once, and an unknown one no more than once in 30 seconds', async () => {
    const service = await newService()
    const verifier = newVerifier(service, { endedSessions: 'ignore' })
    await verifier.verifyAccessToken(await service.token())
    service.at += 31_000
    const next = await newKey('next', 'ES256')
    service.keys.push(next)
    await verifier.verifyAccessToken(await service.token({}, { key: next }))
    expect(service.asked[JWKS]).toBe(2)
    const unknown = await service.token({}, { key: await newKey('unknown') })
    for (let i = 0; i < 20; i++)
      expect(await outcome(verifier.verifyAccessToken(unknown))).toBe('invalid_token')
    expect(service.asked[JWKS]).toBe(2)
  })

  test('do for an hour while the service is away, and no longer', async () => {
    const service = await newService()
    const verifier = newVerifier(service, { endedSessions: 'ignore' })
    await verifier.verifyAccessToken(await service.token())
    service.isAway = true
    service.at += 59 * 60_000
    expect(await outcome(verifier.verifyAccessToken(await service.token()))).toBe('accepted')
    service.at += 2 * 60_000
    expect(await outcome(verifier.verifyAccessToken(await service.token()))).toBe('unavailable')
  })

  test('an empty key set does not replace those that are known', async () => {
    const service = await newService()
    const verifier = newVerifier(service, { endedSessions: 'ignore' })
    const token = await service.token()
    await verifier.verifyAccessToken(token)
    service.keys.length = 0
    service.at += 301_000
    expect(await outcome(verifier.verifyAccessToken(token))).toBe('accepted')
    expect(await outcome(verifier.verifyAccessToken(token))).toBe('accepted')
  })
})

describe('ended sessions', () => {
  test('are refused six seconds after the list says so, at the latest', async () => {
    const service = await newService()
    const verifier = newVerifier(service)
    const token = await service.token()
    expect(await outcome(verifier.verifyAccessToken(token))).toBe('accepted')
    service.ended = [9]
    service.at += 2_900
    expect(await outcome(verifier.verifyAccessToken(token))).toBe('accepted')
    service.at += 3_200
    expect(await outcome(verifier.verifyAccessToken(token))).toBe('invalid_token')
    expect(service.asked[LIST]).toBe(2)
  })

  test('those of others are not', async () => {
    const service = await newService()
    service.ended = [8, 10, 9 + 2 ** 19]
    expect(await outcome(newVerifier(service).verifyAccessToken(await service.token()))).toBe('accepted')
  })

  test.each([
    ['refuse', 'unavailable'],
    ['accept', 'accepted'],
    ['ignore', 'accepted'],
  ] as const)('while the list cannot be had, %s means %s', async (endedSessions, expected) => {
    const service = await newService()
    const verifier = newVerifier(service, { endedSessions })
    const token = await service.token()
    await verifier.verifyAccessToken(token)
    service.isAway = true
    service.at += 6_100
    expect(await outcome(verifier.verifyAccessToken(token))).toBe(expected)
    expect(await outcome(verifier.verifyAccessToken(token))).toBe(expected)
  })

  test.each<[string, (service: Service) => Promise<string>]>([
    ['of another list', (service) => service.list({ sub: `${ISSUER}/.well-known/status-list?list=1` })],
    ['of another issuer', (service) => service.list({ iss: 'https://evil.example.com' })],
    ['that has expired', (service) => service.list({ exp: service.at / 1000 - 120 })],
    ['that is an access token', (service) => service.list({}, 'at+jwt')],
    [
      'that grows without end',
      (service) =>
        service.list({
          status_list: { bits: 1, lst: deflateSync(Buffer.alloc(2 ** 26)).toString('base64url') },
        }),
    ],
    ['that is not packed', (service) => service.list({ status_list: { bits: 1, lst: 'AAAA' } })],
    ['of three bits', (service) => service.list({ status_list: { bits: 3, lst: 'AAAA' } })],
    ['that is none', async () => 'hello'],
  ])('a list %s is not believed', async (_, answer) => {
    const service = await newService()
    service.answerList = () => answer(service)
    const token = await service.token()
    expect(await outcome(newVerifier(service).verifyAccessToken(token))).toBe('unavailable')
    expect(await outcome(newVerifier(service, { endedSessions: 'accept' }).verifyAccessToken(token))).toBe(
      'accepted',
    )
  })

  test('a token from before there were lists is accepted', async () => {
    const service = await newService()
    const token = await service.token({ status: undefined })
    expect(await outcome(newVerifier(service).verifyAccessToken(token))).toBe('accepted')
    expect(service.asked[LIST]).toBe(0)
  })
})

describe('requireAuth', () => {
  test('answers with the challenges of RFC 6750 and RFC 9470, and gives the claims', async () => {
    const { Hono } = await import('hono')
    const service = await newService()
    const verifier = newVerifier(service)
    const app = new Hono()
      .get('/', latchkey.requireAuth(verifier), (c) => c.text(c.var.auth.sub))
      .get('/safe', latchkey.requireAuth(verifier, { acr: 'aal2', maxAge: 300 }), (c) => c.text('safe'))
      .get('/wide', latchkey.requireAuth(verifier, { scopes: ['notes:delete'] }), (c) => c.text('wide'))
    const ask = async (path: string, authorization?: string) => {
      const answer = await app.request(path, {
        headers: authorization === undefined ? {} : { authorization },
      })
      return [answer.status, answer.headers.get('www-authenticate')]
    }
    const token = await service.token()
    expect(await (await app.request('/', { headers: { authorization: `Bearer ${token}` } })).text()).toBe(
      'ada',
    )
    expect(await ask('/')).toEqual([401, 'Bearer'])
    expect(await ask('/', `Basic ${token}`)).toEqual([401, 'Bearer'])
    expect(await ask('/', 'Bearer x')).toEqual([401, 'Bearer error="invalid_token"'])
    expect(await ask('/safe', `Bearer ${token}`)).toEqual([
      401,
      'Bearer error="insufficient_user_authentication", acr_values="aal2", max_age="300"',
    ])
    expect(await ask('/wide', `Bearer ${token}`)).toEqual([
      403,
      'Bearer error="insufficient_scope", scope="notes:delete"',
    ])
    service.isAway = true
    service.at += 7_000
    expect(await ask('/', `Bearer ${token}`)).toEqual([503, null])
  })
})
