/** A browser that signs in at a provider: goes there, comes back, and is sent on to the app. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { openUnder, sealUnder } from '../../src/crypto/sealing.ts'
import { type Client, newClient, type Tokens } from './client.ts'
import { CLIENT, type IdentityProvider } from './identity-provider.ts'
import type { Row, Service } from './service.ts'

export const APP = 'https://app.example.com'
export const RETURN = `${APP}/signed-in?from=start`

/** A tenant whose administrator has added the provider. */
export async function newTenantWith(
  service: Service,
  { issuer }: Pick<IdentityProvider, 'issuer'>,
  { settings = {}, ...row }: Row & { settings?: Row } = {},
) {
  const client = await newClient(service, {
    allowedOrigins: [APP],
    settings: { redirect_uris: [RETURN, 'com.example.app:/back', 'http://127.0.0.1/back'], ...settings },
  })
  const { tokens } = await client.signUpAdmin()
  const added = await addProvider(client, tokens.access_token, { issuer, ...row })
  if (added.status !== 201) throw new Error(`a provider was not added: ${JSON.stringify(added.body)}`)
  return { client, admin: tokens, provider: added.body }
}

export const addProvider = (client: Client, bearer: string, rest: Row = {}) =>
  client.call<{ id: string; slug: string }>('/v1/admin/providers', {
    bearer,
    json: {
      slug: 'idp',
      kind: 'oidc',
      name: 'IdP',
      client_id: CLIENT.id,
      client_secret: CLIENT.secret,
      ...rest,
    },
  })

const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString()

/** The cookie of an answer, as a browser sends it back. */
export const cookieOf = (headers: Headers) =>
  headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ')

/** @param browser the cookie that it has already */
export async function start(
  client: Client,
  asked: Record<string, string> = {},
  slug = 'idp',
  browser?: string,
) {
  const answer = await client.call(`/v1/oauth/${slug}/start?${query({ redirect_uri: RETURN, ...asked })}`, {
    ...(browser !== undefined && { headers: { cookie: browser } }),
  })
  return { answer, url: answer.headers.get('location') ?? '', cookie: cookieOf(answer.headers) }
}

export const comeBack = (client: Client, parameters: Record<string, string>, cookie: string, slug = 'idp') =>
  client.call(`/v1/oauth/${slug}/callback?${query(parameters)}`, { headers: { cookie } })

/** The same where the provider's page posts its answer: with the cookie that a browser sends from there. */
export const postBack = (client: Client, parameters: Record<string, string>, cookie: string, slug = 'idp') =>
  client.call(`/v1/oauth/${slug}/callback`, {
    body: query(parameters),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: 'https://idp.example',
      'sec-fetch-site': 'cross-site',
      cookie: cookie.replace('__Host-latchkey-oauth=', '__Host-latchkey-oauth-post='),
    },
  })

/** What Redis keeps of a state that a browser was sent off with, and ways to put it back as a failover may, also changed. */
export async function keptState(
  { redis }: Service,
  { tenant }: Client,
  url: string,
  cookie: string,
  slug = 'idp',
) {
  const state = new URL(url).searchParams.get('state')
  const digest = (what: string) =>
    createHash('sha256').update(JSON.stringify([what, tenant.host, slug, cookie.split('=')[1], state]))
  const name = `lk:oauth-state:${digest('name').digest('base64url')}`
  const key = digest('key').digest()
  const value = String(await redis(['GET', name]))
  const opened = await openUnder(key, value, ['oauth-state'])
  if (opened === null) throw new Error('Redis has no such state')
  const kept = JSON.parse(Buffer.from(opened).toString()) as Record<string, string>
  return {
    value,
    kept,
    putBack: () => redis(['SET', name, value]),
    putBackAs: async (change: Record<string, unknown>) => {
      const changed = Buffer.from(JSON.stringify({ ...kept, ...change }))
      await redis(['SET', name, await sealUnder(key, changed, ['oauth-state'], randomBytes)])
    },
  }
}

/** A person at the provider. */
export const newPerson = (email = `${randomUUID()}@example.com`) => ({
  sub: randomUUID(),
  email,
  email_verified: true as unknown,
  name: 'Ada Lovelace',
})

/** All of it, in one browser. */
export async function signIn(
  client: Client,
  provider: IdentityProvider,
  person: Record<string, unknown>,
  asked: Record<string, string> = {},
) {
  const { url, cookie } = await start(client, asked)
  return comeBack(client, provider.consent(url, person), cookie)
}

/** Sends a signed-in person off. */
const sendOff = (to: 'link' | 'step-up') =>
  async function sent(client: Client, { access_token: bearer }: Pick<Tokens, 'access_token'>, slug = 'idp') {
    const answer = await client.call<{ authorization_url: string }>(`/v1/oauth/${slug}/${to}`, {
      bearer,
      json: { redirect_uri: RETURN },
    })
    return { ...answer, url: answer.body.authorization_url, cookie: cookieOf(answer.headers) }
  }
export const startLink = sendOff('link')
export const startStepUp = sendOff('step-up')

export async function linkTo(
  client: Client,
  provider: Pick<IdentityProvider, 'consent'>,
  tokens: Pick<Tokens, 'access_token'>,
  person: Record<string, unknown>,
  slug = 'idp',
) {
  const { url, cookie } = await startLink(client, tokens, slug)
  return comeBack(client, provider.consent(url, person), cookie, slug)
}

type ListedIdentity = {
  id: string
  provider: string
  email: string | null
  linked_at: string
  last_used_at: string | null
}

export async function identitiesOf(client: Client, { access_token: bearer }: Pick<Tokens, 'access_token'>) {
  const { body } = await client.call<{ data: ListedIdentity[] }>('/v1/identities', { bearer })
  return body.data
}

/** What the app is told in its address. */
export const told = ({ headers }: { headers: Headers }) =>
  Object.fromEntries(new URL(headers.get('location') ?? 'about:blank').searchParams)

/** How much of anyone the tenant has. */
export async function storedOf({ sql }: Pick<Service, 'sql'>, { tenant }: Client) {
  const [row] = await sql(
    `select (select count(*)::int from identities where tenant_id = $1) as identities,
      (select count(*)::int from users where tenant_id = $1) as users,
      (select count(*)::int from sessions where tenant_id = $1) as sessions`,
    [tenant.id],
  )
  return row
}

/** Whose session the cookies of an answer are of. */
export async function whoIs(client: Client, answer: { headers: Headers }) {
  const cookie = cookieOf(answer.headers)
  return client.call<Pick<Tokens, 'access_token' | 'user'>>('/v1/refresh', {
    method: 'POST',
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
  })
}
