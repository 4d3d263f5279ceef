/** CASES.md group A: access tokens that must not be accepted, on every operation that an access token authorises. */

import { createHmac, createPublicKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Client, createClient, type Tokens } from '../support/client.ts'
import { CLEARED, expectProblem as expectRefusal } from '../support/expect.ts'
import { claimsOf, createForger, type Forger, headerOf, segment } from '../support/forge.ts'
import { bearerOperations, perform } from '../support/http-operations.ts'
import { expectProblem } from '../support/problem.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { lendService, type Service } from '../support/service.ts'
import { startSink } from './sink.ts'

/** Every operation for each of many tokens, on a machine that others use. */
vi.setConfig({ testTimeout: 120_000 })

let service: Service
let forger: Forger
let client: Client
let tokens: Tokens

beforeAll(async () => {
  service = await lendService()
  forger = await createForger(service)
  client = createClient(service, await service.newTenant())
  ;({ tokens } = await client.newAccount())
})
afterAll(() => service.stop())

/** Every operation says 401 to the token, and nothing happened: the genuine one still reads. */
async function expectRefusedEverywhere(forged: string, as: Client = client) {
  for (const operation of bearerOperations) {
    const { status, headers, body } = await perform(as, operation, { ...tokens, access_token: forged })
    expect({ operation: operation.title, status, code: body.code }).toEqual({
      operation: operation.title,
      status: 401,
      code: 'invalid_token',
    })
    expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    expect(headers.get('set-cookie')).toBeNull()
  }
  expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
}

/** The two ways in which a token is checked: with a read, and before a write. */
async function expectRefused(forged: string) {
  expectProblem(await client.call('/v1/me', { bearer: forged }), 'invalid_token')
  expectProblem(await client.call('/v1/sessions', { method: 'DELETE', bearer: forged }), 'invalid_token')
}

const readMe = (authorization: string) => client.call('/v1/me', { headers: { authorization } })

describe('signatures', () => {
  test('accepts the genuine token, and one that the forger signed anew: what follows is refused for its own fault', async () => {
    expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
    const again = forger.withClaims(tokens.access_token, {})
    expect((await client.call('/v1/me', { bearer: again })).status).toBe(200)
  })

  test('A01 refuses a token signed with the public key as an HMAC secret', async () => {
    const publicKey = createPublicKey({ key: forger.publicJwk as JsonWebKey, format: 'jwk' })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const secrets = [
      JSON.stringify(forger.publicJwk),
      forger.publicJwk.x,
      Buffer.from(forger.publicJwk.x, 'base64url'),
      publicKey.export({ type: 'spki', format: 'der' }),
      pem,
      `\n${pem}`,
      pem.trim(),
    ]
    for (const bits of ['256', '384', '512']) {
      const input = `${segment({ ...headerOf(tokens.access_token), alg: `HS${bits}` })}.${tokens.access_token.split('.')[1]}`
      for (const secret of secrets) {
        const signature = createHmac(`sha${bits}`, secret).update(input).digest('base64url')
        expect(await readMe(`Bearer ${input}.${signature}`)).toMatchObject({
          status: 401,
          body: { code: 'invalid_token' },
        })
      }
      await expectRefusedEverywhere(
        `${input}.${createHmac(`sha${bits}`, pem).update(input).digest('base64url')}`,
      )
    }
  })

  test('A02 refuses unsigned tokens, whatever the spelling of "none", and never announces such an algorithm', async () => {
    const [header = '', payload = '', signature = ''] = tokens.access_token.split('.')
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null]) {
      const unsigned = segment({ ...headerOf(tokens.access_token), alg })
      for (const token of [
        `${unsigned}.${payload}.`,
        `${unsigned}.${payload}`,
        `${unsigned}.${payload}.${signature}`,
      ])
        expect((await readMe(`Bearer ${token}`)).body).toMatchObject({ code: 'invalid_token' })
    }
    for (const token of [
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}.${payload}..`,
      '...',
      '..',
    ])
      expect((await readMe(`Bearer ${token}`)).body).toMatchObject({ code: 'invalid_token' })
    await expectRefusedEverywhere(`${segment({ ...headerOf(tokens.access_token), alg: 'none' })}.${payload}.`)

    const { body } = await client.call('/.well-known/openid-configuration')
    expect(JSON.stringify(body)).not.toMatch(/none|HS256|HS384|HS512|RS1/i)
  })

  test('A03 publishes each key with its algorithm and nothing private', async () => {
    const { body } = await client.call<{ keys: Record<string, unknown>[] }>('/.well-known/jwks.json')
    expect(body.keys.length).toBeGreaterThan(0)
    for (const key of body.keys) {
      expect(key).toMatchObject({
        alg: expect.stringMatching(/^(EdDSA|ES256)$/),
        use: 'sig',
        kid: expect.any(String),
      })
      const allowed = ['kty', 'crv', 'x', 'y', 'alg', 'use', 'kid']
      expect(Object.keys(key).filter((member) => !allowed.includes(member))).toEqual([])
    }
  })

  test("A03 refuses a token whose algorithm is not its key's own", async () => {
    const claims = claimsOf(tokens.access_token)
    for (const alg of ['ES256', 'RS256', 'PS256', 'Ed25519', 'eddsa', 'EdDSA '])
      await expectRefusedEverywhere(forger.signRaw({ ...headerOf(tokens.access_token), alg }, claims))
    // A P-256 signature under the name of the Ed25519 key.
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const input = `${segment({ ...headerOf(tokens.access_token), alg: 'ES256' })}.${segment(claims)}`
    const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    await expectRefusedEverywhere(`${input}.${signature.toString('base64url')}`)
  })

  test('A03 refuses the right claims under another type of token or a bent signature', async () => {
    for (const typ of ['JWT', 'jwt', 'id+jwt', 'at+JWT', 'application/at+jwt', undefined])
      expect(
        (
          await readMe(
            `Bearer ${forger.signRaw({ ...headerOf(tokens.access_token), typ }, claimsOf(tokens.access_token))}`,
          )
        ).status,
      ).toBe(401)
    const [header, payload, signature = ''] = tokens.access_token.split('.')
    const bent = Buffer.from(signature, 'base64url')
    bent[10] = (bent[10] ?? 0) ^ 1
    await expectRefusedEverywhere(`${header}.${payload}.${bent.toString('base64url')}`)
    await expectRefusedEverywhere(
      `${header}.${segment({ ...claimsOf(tokens.access_token), roles: ['admin'] })}.${signature}`,
    )
  })
})

describe('claims', () => {
  test('A04 refuses every audience but exactly ours', async () => {
    const ours = String(claimsOf(tokens.access_token).aud)
    const wrong = [
      'https://other.test',
      undefined,
      null,
      '',
      [],
      ['https://other.test'],
      [ours, 'https://other.test'],
    ]
    const near = [[ours], `${ours}/`, ours.toUpperCase(), `${ours}.evil.test`, `${ours} `, { 0: ours }]
    for (const aud of [...wrong, ...near])
      await expectRefused(forger.withClaims(tokens.access_token, { aud }))
    await expectRefusedEverywhere(forger.withClaims(tokens.access_token, { aud: 'https://other.test' }))
  })

  test("A04 takes the tenant's own audience where it has one, and its issuer no longer", async () => {
    const audience = 'https://api.example.com'
    const other = createClient(service, await service.newTenant({ settings: { audience } }))
    const { access_token } = (await other.newAccount()).tokens
    expect(claimsOf(access_token)).toMatchObject({ iss: other.tenant.origin, aud: audience })
    expect((await other.call('/v1/me', { bearer: access_token })).status).toBe(200)
    const asIssuer = forger.withClaims(access_token, { aud: other.tenant.origin })
    expect((await other.call('/v1/me', { bearer: asIssuer })).status).toBe(401)
  })

  test('A05 refuses times that are no times, over, or not yet', async () => {
    const now = Math.floor(Date.now() / 1000)
    const exps = [
      '9999999999',
      1e308,
      null,
      'NaN',
      undefined,
      now - 1,
      now,
      0,
      -1,
      now + 60.5,
      true,
      [now + 60],
      {},
    ]
    for (const exp of exps) await expectRefused(forger.withClaims(tokens.access_token, { exp }))
    const others = [
      { nbf: now + 3600 },
      { iat: now + 3600 },
      { iat: undefined },
      { iat: '1' },
      { auth_time: 'x' },
    ]
    for (const change of others) await expectRefused(forger.withClaims(tokens.access_token, change))
    // JSON has numbers that no JavaScript object prints.
    for (const exp of ['1e400', '9007199254740993e3']) {
      const payload = JSON.stringify({ ...claimsOf(tokens.access_token), exp: 7 }).replace(
        '"exp":7',
        `"exp":${exp}`,
      )
      await expectRefused(forger.signRaw(headerOf(tokens.access_token), payload))
    }
    await expectRefusedEverywhere(forger.withClaims(tokens.access_token, { exp: now - 1 }))
  })

  test('A05 refuses claims that are missing or of another type', async () => {
    for (const claim of ['sub', 'sid', 'tid', 'jti', 'acr', 'amr', 'roles', 'iss'])
      for (const value of [undefined, null, 7, { $ne: '' }])
        expect(
          (await readMe(`Bearer ${forger.withClaims(tokens.access_token, { [claim]: value })}`)).status,
        ).toBe(401)
  })

  test("A14 refuses another tenant's token, also one whose claims were rewritten for the new tenant", async () => {
    const stranger = createClient(service, await service.newTenant())
    await expectRefusedEverywhere(tokens.access_token, stranger)
    const { origin, id } = stranger.tenant
    await expectRefusedEverywhere(
      forger.withClaims(tokens.access_token, { iss: origin, aud: origin }),
      stranger,
    )
    // With everything rewritten it is a token of that tenant, for a session that this tenant does not have.
    const rewritten = forger.withClaims(tokens.access_token, { iss: origin, aud: origin, tid: id })
    for (const operation of bearerOperations) {
      const { status } = await perform(stranger, operation, { ...tokens, access_token: rewritten })
      expect(status, operation.title).toBe(401)
    }
    expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
  })

  test("A14 refuses a genuine token that names someone else's session or account", async () => {
    const other = (await client.newAccount()).tokens
    const mixed = forger.withClaims(tokens.access_token, { sid: other.session.id })
    expect((await client.call('/v1/me', { bearer: mixed })).status).toBe(401)
    expect(
      (await client.call('/v1/me', { method: 'PATCH', bearer: mixed, json: { name: 'x' } })).status,
    ).toBe(401)
    expect((await client.call('/v1/sessions', { bearer: mixed })).status).toBe(401)
    expect((await client.call('/v1/sessions', { method: 'DELETE', bearer: mixed })).status).toBe(401)
    await client.call('/v1/logout', { method: 'POST', bearer: mixed })
    for (const { access_token } of [tokens, other])
      expect((await client.call('/v1/me', { bearer: access_token })).status).toBe(200)
  })
})

describe('the header that carries it', () => {
  test('A06 takes "Bearer" in any case with one space, and nothing else', async () => {
    const token = tokens.access_token
    for (const scheme of ['Bearer', 'bearer', 'BEARER'])
      expect((await readMe(`${scheme} ${token}`)).status).toBe(200)
    const wrong = [
      ...['Basic', 'Token', 'DPoP', 'JWT', 'Bearer:', 'Bearer,', 'Bearerx', 'XBearer'].map(
        (scheme) => `${scheme} ${token}`,
      ),
      ...[
        `Bearer\t${token}`,
        `Bearer  ${token}`,
        `Bearer${token}`,
        token,
        'Bearer',
        `Bearer ${token} ${token}`,
      ],
      ...[`Bearer "${token}"`, `Bearer token="${token}"`, `Bearer ${token};x`, `Bearer ${token}=x`],
    ]
    for (const authorization of wrong) {
      const { status, headers } = await readMe(authorization)
      expect({ authorization: authorization.slice(0, 20), status }).toMatchObject({
        status: expect.toBeOneOf([400, 401]),
      })
      if (status === 401) expect(headers.get('www-authenticate')).toMatch(/^Bearer/)
    }
    const without = await client.call('/v1/me')
    expect(without).toMatchObject({ status: 401, body: { code: 'missing_token' } })
    expect(without.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('A06 answers 400 to two tokens, joined or in two headers', async () => {
    const line = `Authorization: Bearer ${tokens.access_token}`
    expect((await readMe(`Bearer ${tokens.access_token}, Bearer ${tokens.access_token}`)).status).toBe(400)
    for (const operation of bearerOperations) {
      // Once: a passkey's signature is longer one time than another.
      const [headers, body] = withBody([`Host: ${client.tenant.host}`, line, line], operation.body?.(tokens))
      const { status } = await sendRaw(
        service,
        rawRequest(`${operation.method} ${operation.path} HTTP/1.1`, headers, body),
      )
      expect({ operation: operation.title, status }).toEqual({ operation: operation.title, status: 400 })
    }
  })

  test('A06 reads the token from the header alone, not from the query or a cookie', async () => {
    for (const name of ['access_token', 'token', 'bearer', 'authorization'])
      expect((await client.call(`/v1/me?${name}=${tokens.access_token}`)).status).toBe(401)
    expect(
      (await client.call('/v1/me', { headers: { cookie: `__Host-latchkey=${tokens.access_token}` } })).status,
    ).toBe(401)
  })

  test('A07 answers 401 to a malformed Bearer, never 5xx', async () => {
    const huge = 'a'.repeat(100_000)
    for (const text of [
      '%',
      '%E0%A4%A',
      '%00',
      '{}',
      '[object Object]',
      'null',
      'a.b.c',
      '....',
      huge,
      `${huge}.${huge}`,
    ])
      expect((await readMe(`Bearer ${text}`)).status).toBeOneOf([400, 401, 431])
    // NUL and bytes above ASCII: the server in front may refuse the header, the Worker must not stumble over it.
    for (const bytes of ['\0', 'a\0b', '\x80\xff', 'é.é.é', '\x7f', '\x01']) {
      const request = rawRequest('GET /v1/me HTTP/1.1', [
        `Host: ${client.tenant.host}`,
        `Authorization: Bearer ${bytes}`,
      ])
      for (const encoding of ['latin1', 'utf8'] as const)
        expect((await sendRaw(service, Buffer.from(request, encoding))).status).toBeOneOf([400, 401])
    }
    expect((await readMe(`Bearer ${tokens.access_token}`)).status).toBe(200)
  })

  test('A11 gives a valid token the same answer a hundred times in a row', async () => {
    for (let round = 0; round < 100; round++)
      expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
  })
})

describe('other kinds of token', () => {
  test('A08 refuses each kind of token where another kind is expected', async () => {
    const own = await client.newAccount()
    await client.login(own.email)
    const page = await client.call<{ next_cursor: string }>('/v1/sessions?limit=1', {
      bearer: own.tokens.access_token,
    })
    const { access_token, refresh_token } = own.tokens
    expect(page.body.next_cursor).toEqual(expect.any(String))
    await expectRefusedEverywhere(refresh_token)
    await expectRefusedEverywhere(page.body.next_cursor)
    for (const wrong of [access_token, page.body.next_cursor]) {
      const cookie = { cookie: `__Host-latchkey=${wrong}`, 'sec-fetch-site': 'same-origin' }
      for (const path of ['/v1/refresh', '/v1/logout']) {
        const presented = await client.call(path, { json: { refresh_token: wrong } })
        expect(presented.body.code).toBeOneOf(['invalid_grant', 'invalid_input']) // or it is too long to be one
        const answer = await client.call(path, { method: 'POST', headers: cookie })
        if (path === '/v1/refresh') expectRefusal(answer, 'invalid_grant', [CLEARED])
        else expect(answer.status).toBe(204) // it ends nothing, and the browser is rid of it
      }
    }
    for (const wrong of [access_token, refresh_token])
      expect((await client.call(`/v1/sessions?cursor=${wrong}`, { bearer: access_token })).status).toBe(422)
    expect((await client.refresh(refresh_token)).status).toBe(200)
  })

  test('A09 refuses encrypted tokens unread, also one that would unpack to a hundred megabytes', async () => {
    const bomb = deflateRawSync(Buffer.alloc(100_000_000)).toString('base64url')
    const header = segment({
      alg: 'dir',
      enc: 'A256GCM',
      zip: 'DEF',
      typ: 'at+jwt',
      kid: forger.publicJwk.kid,
    })
    for (const token of [`${header}..AAAA.${bomb.slice(0, 3500)}.AAAA`, `${header}.AAAA.AAAA.AAAA.AAAA`])
      await expectRefusedEverywhere(token)
    const zipped = { ...headerOf(tokens.access_token), zip: 'DEF' }
    await expectRefusedEverywhere(forger.signRaw(zipped, claimsOf(tokens.access_token)))
    await expectRefusedEverywhere(
      forger.signRaw(
        { ...headerOf(tokens.access_token), b64: false, crit: ['b64'] },
        claimsOf(tokens.access_token),
      ),
    )
  })

  test('A10 takes no key and no address of a key from the token, and calls no one', async () => {
    await using sink = await startSink()
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const jwk = publicKey.export({ format: 'jwk' })
    const signWith = (header: unknown) => {
      const input = `${segment(header)}.${segment(claimsOf(tokens.access_token))}`
      return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
    }
    const genuine = headerOf(tokens.access_token)
    const brought = [{ jwk }, { jku: sink.url }, { x5u: sink.url }, { x5c: ['AAAA'] }]
    const kids = [
      '../../dev/null',
      "' OR 1=1--",
      'x'.repeat(10_000),
      ['a'],
      { a: 1 },
      '',
      null,
      7,
      'unknown-key-id',
      '../jwks',
      '__proto__',
    ]
    for (const extra of brought) {
      await expectRefusedEverywhere(signWith({ ...genuine, ...extra }))
      await expectRefusedEverywhere(forger.signRaw({ ...genuine, ...extra }, claimsOf(tokens.access_token)))
    }
    for (const kid of kids) expect((await readMe(`Bearer ${signWith({ ...genuine, kid })}`)).status).toBe(401)
    for (const kid of kids)
      expect(
        (await client.call('/v1/sessions', { method: 'DELETE', bearer: signWith({ ...genuine, kid }) }))
          .status,
      ).toBe(401)
    expect(sink.hits()).toBe(0)
  })
})

describe('the end of a token', () => {
  test('A12 ends a session by the clock of the server, however long a browser keeps the cookie', async () => {
    for (const column of ['expires_at', 'idle_expires_at']) {
      const own = (await client.newAccount()).tokens
      await service.sql(`update sessions set ${column} = now() - interval '1 second' where id = $1`, [
        own.session.id,
      ])
      const headers = { cookie: `__Host-latchkey=${own.refresh_token}`, 'sec-fetch-site': 'same-origin' }
      expect(await client.call('/v1/refresh', { method: 'POST', headers })).toMatchObject({
        status: 401,
        body: { code: 'invalid_grant' },
      })
      expect(await client.refresh(own.refresh_token)).toMatchObject({ status: 401 })
      for (const operation of bearerOperations.filter(({ title }) => title !== 'logout by bearer'))
        expect((await perform(client, operation, own)).body).toMatchObject({ code: 'invalid_token' })
    }
    const own = (await client.newAccount()).tokens
    await service.sql(
      `update refresh_tokens set expires_at = now() - interval '1 second' where session_id = $1`,
      [own.session.id],
    )
    expect((await client.refresh(own.refresh_token)).status).toBe(401)
  })

  test('A13 refuses refresh and access token at once after logout', async () => {
    for (const signOut of ['refresh', 'bearer'] as const) {
      const own = (await client.newAccount()).tokens
      const out =
        signOut === 'refresh'
          ? client.call('/v1/logout', { json: { refresh_token: own.refresh_token } })
          : client.call('/v1/logout', { method: 'POST', bearer: own.access_token })
      expect((await out).status).toBe(204)
      expect((await client.refresh(own.refresh_token)).status).toBe(401)
      for (const operation of bearerOperations.filter(({ title }) => title !== 'logout by bearer'))
        expect((await perform(client, operation, own)).body).toMatchObject({ code: 'invalid_token' })
    }
  })
})

function withBody(headers: string[], body: object | undefined): [string[], string] {
  if (!body) return [headers, '']
  const text = JSON.stringify(body)
  return [[...headers, 'Content-Type: application/json', `Content-Length: ${text.length}`], text]
}

// Not here yet: token introspection (A01), DPoP and social id_tokens (A02), MFA, verification, reset and invitation
// tokens (A08): those operations do not exist. A13's "elsewhere at most the token's life" is for resource servers.
