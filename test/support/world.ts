/** Google, Microsoft, Apple, GitHub and Facebook as a client meets them, behind one server. */
import { createHash, randomBytes } from 'node:crypto'
import { exportJWK, exportPKCS8, generateKeyPair, SignJWT } from 'jose'
import { LOOPBACK, readBody, serveLocally } from '../../dev/local-server.ts'
import { apple } from './companies/apple.ts'
import type { Claims, Company, Granted, Office, Reply } from './companies/company.ts'
import { facebook } from './companies/facebook.ts'
import { github } from './companies/github.ts'
import { google } from './companies/google.ts'
import { microsoft } from './companies/microsoft.ts'

export const COMPANIES = { google, microsoft, apple, github, facebook } satisfies Record<string, Company>
export type KindName = keyof typeof COMPANIES

/** All that may be called. */
export const HOSTS = Object.values(COMPANIES).flatMap(({ hosts }) => hosts)

const now = () => Math.floor(Date.now() / 1000)

export type World = Awaited<ReturnType<typeof startWorld>>

export async function startWorld() {
  const keys = await generateKeyPair('RS256', { extractable: true })
  const personal = await generateKeyPair('RS256', { extractable: true })
  const team = await generateKeyPair('ES256', { extractable: true })
  const grants = new Map<string, Granted>()
  const known = new Set<string>()
  const hits: string[] = []
  let callbacks: string[] = []
  let signedBy = 'directories'

  const office: Office = {
    jwk: { ...(await exportJWK(keys.publicKey)), kid: 'directories', use: 'sig', alg: 'RS256' },
    personalJwk: { ...(await exportJWK(personal.publicKey)), kid: 'personal', use: 'sig' },
    teamKey: team.publicKey,
    tokens: new Map(),
    sign: (claims) =>
      new SignJWT({ iat: now(), exp: now() + 3600, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: signedBy, typ: 'JWT' })
        .sign(signedBy === 'personal' ? personal.privateKey : keys.privateKey),
    redeem: (form) => {
      const granted = grants.get(form.get('code') ?? '')
      grants.delete(form.get('code') ?? '')
      const challenge = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      const isOf = granted?.asked.get('code_challenge') === challenge
      return granted && isOf && form.get('grant_type') === 'authorization_code' ? granted : null
    },
  }

  const server = await serveLocally('the internet', 0, async (request, response) => {
    const url = new URL(request.url ?? '/', String(request.headers['x-meant-for']))
    hits.push(url.href)
    const form = new URLSearchParams((await readBody(request)) ?? '')
    const asked = { method: request.method ?? '', url, headers: request.headers, form }
    let reply: Reply | null = null
    for (const company of Object.values(COMPANIES)) reply ??= await company.answer(asked, office)
    const {
      status = 200,
      body,
      type = 'application/json; charset=utf-8',
    } = reply ?? { status: 404, body: {} }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    response.writeHead(status, { 'content-type': type }).end(text)
  })

  /**
   * The person agrees at the page where the browser was sent.
   * @returns what is sent back, to a page or in a form
   * @throws where the page would say that the application asks for something that it may not
   */
  function consent(authorizationUrl: string, person: Claims): Record<string, string> {
    const { origin, pathname, searchParams: asked } = new URL(authorizationUrl)
    const company: Company | undefined = Object.values(COMPANIES).find(({ page }) =>
      page.test(`${origin}${pathname}`),
    )
    if (!company) throw new Error(`there is no such page: ${authorizationUrl}`)
    const redirectUri = asked.get('redirect_uri') ?? ''
    const scopes = (asked.get('scope') ?? '').split(' ')
    if (asked.get('client_id') !== company.client.id) throw new Error('unauthorized_client')
    if (!callbacks.includes(redirectUri)) throw new Error('redirect_uri_mismatch')
    if (asked.get('response_type') !== 'code') throw new Error('unsupported_response_type')
    if (asked.get('code_challenge_method') !== 'S256') throw new Error('invalid_request')
    const unknown = scopes.find((scope) => !company.scopes.includes(scope))
    if (unknown !== undefined) throw new Error(`invalid_scope: ${unknown}`)
    const isApple = company === apple
    if (isApple && scopes.length > 1 && asked.get('response_mode') !== 'form_post')
      throw new Error('response_mode must be form_post when name or email scope is requested')
    const code = randomBytes(16).toString('base64url')
    grants.set(code, { asked, person, redirectUri })
    const { name, email } = person
    const isFirst = isApple && !known.has(String(person.sub))
    known.add(String(person.sub))
    return {
      code,
      state: asked.get('state') ?? '',
      ...(isFirst && name !== undefined && { user: JSON.stringify({ name, email }) }),
    }
  }

  return {
    url: `http://${LOOPBACK}:${server.port}`,
    hits,
    consent,
    /** What an administrator has written down there. */
    allow: (uris: string[]) => {
      callbacks = [...callbacks, ...uris]
    },
    signWith: (kid: 'directories' | 'personal') => {
      signedBy = kid
    },
    applePrivateKey: await exportPKCS8(team.privateKey),
    stop: server.stop,
  }
}
