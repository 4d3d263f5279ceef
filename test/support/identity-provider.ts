/**
 * An OpenID Connect provider that does what a test tells it to: by default it refuses what a strict one refuses (another
 * redirect_uri, a code twice, a wrong code_verifier or client secret), and it can be made to lie in any answer.
 */
import { createHash, randomBytes } from 'node:crypto'
import type http from 'node:http'
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from 'jose'
import { LOOPBACK, serveLocally } from '../../dev/local-server.ts'

type Claims = Record<string, unknown>
type Granted = { challenge: string; nonce: string; redirectUri: string; claims: Claims }

/** What it does otherwise than it should. */
export type Deviation = {
  /** In place of those of the ID token; undefined takes one away. */
  claims?: Claims
  /** How it signs: with a key that it does not publish, not at all, or with the client's secret. */
  sign?: 'other key' | 'none' | 'HS256'
  keys?: JWK[]
  discovery?: Claims
  /** In place of the answer of the token endpoint, or of any endpoint whose path begins so. */
  answer?: Record<string, (response: http.ServerResponse) => void>
  /** What happens elsewhere while it makes its tokens. */
  meanwhile?: () => Promise<unknown>
}

export const CLIENT = { id: 'latchkey', secret: 'a secret & more: 100%' }

export type IdentityProvider = Awaited<ReturnType<typeof startIdentityProvider>>

export async function startIdentityProvider() {
  let own = await newKey('one')
  const other = await generateKeyPair('ES256')
  const codes = new Map<string, Granted>()
  const hits: string[] = []
  let deviation: Deviation = {}

  async function idToken({ nonce, claims }: Granted): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const usual = { iss: issuer, aud: CLIENT.id, iat: now, exp: now + 300, nonce, ...claims }
    const said = Object.fromEntries(
      Object.entries({ ...usual, ...deviation.claims }).filter(([, value]) => value !== undefined),
    )
    if (deviation.sign === 'none') return new UnsecuredJWT(said).encode()
    if (deviation.sign === 'HS256')
      return new SignJWT(said).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(CLIENT.secret))
    const key = deviation.sign === 'other key' ? other.privateKey : own.privateKey
    return new SignJWT(said).setProtectedHeader({ alg: 'ES256', kid: own.jwk.kid }).sign(key)
  }

  async function token(body: URLSearchParams, authorization: string): Promise<[number, unknown]> {
    const [id = '', secret = ''] = Buffer.from(authorization.replace(/^Basic /, ''), 'base64')
      .toString()
      .split(':')
      .map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
    if (id !== CLIENT.id || secret !== CLIENT.secret) return [401, { error: 'invalid_client' }]
    const code = body.get('code') ?? ''
    const granted = codes.get(code)
    codes.delete(code)
    const verifier = body.get('code_verifier') ?? ''
    const challenge = createHash('sha256').update(verifier).digest('base64url')
    if (!granted || granted.challenge !== challenge || granted.redirectUri !== body.get('redirect_uri'))
      return [400, { error: 'invalid_grant' }]
    await deviation.meanwhile?.()
    return [200, { access_token: 'opaque', token_type: 'Bearer', id_token: await idToken(granted) }]
  }

  const server = await serveLocally('identity provider', 0, (request, response) => {
    const { pathname } = new URL(request.url ?? '/', issuer)
    hits.push(pathname)
    const lie = Object.entries(deviation.answer ?? {}).find(([path]) => pathname.startsWith(path))
    if (lie) return lie[1](response)
    const send = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (pathname === '/.well-known/openid-configuration')
      return send(200, {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['ES256', 'HS256', 'none'],
        authorization_response_iss_parameter_supported: true,
        ...deviation.discovery,
      })
    if (pathname === '/jwks') return send(200, { keys: deviation.keys ?? [own.jwk] })
    if (pathname !== '/token') return send(404, {})
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = new URLSearchParams(Buffer.concat(chunks).toString())
      token(body, request.headers.authorization ?? '').then(([status, answer]) => send(status, answer))
    })
    return undefined
  })
  const issuer = `http://${LOOPBACK}:${server.port}`

  /** The person agrees: what the browser is sent back with. */
  function consent(authorizationUrl: string, claims: Claims) {
    const { searchParams } = new URL(authorizationUrl)
    const asked = (name: string) => searchParams.get(name) ?? ''
    const code = randomBytes(16).toString('base64url')
    codes.set(code, {
      challenge: asked('code_challenge'),
      nonce: asked('nonce'),
      redirectUri: asked('redirect_uri'),
      claims,
    })
    return { code, state: asked('state'), iss: issuer }
  }

  return {
    issuer,
    hits,
    consent,
    deviate: (next: Deviation) => {
      deviation = next
    },
    /** From now on it has another key alone. */
    rotate: async () => {
      own = await newKey(randomBytes(8).toString('hex'))
    },
    stop: server.stop,
  }
}

async function newKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } }
}
