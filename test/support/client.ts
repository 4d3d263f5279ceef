/** What a caller of Latchkey writes: JSON in, JSON out, and the few requests that every journey begins with. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { fillAudit } from './audit.ts'
import { type PlantedFactor, plantFactor } from './authenticator.ts'
import { plantMailable } from './email-code.ts'
import { type Mailed, mailedToken, type Planted, plantToken } from './mailed.ts'
import { type PlantedForm, plantForm } from './page-forms.ts'
import { type Planting, plantAccount } from './planted-accounts.ts'
import { type PlantedApiKey, plantApiKey } from './planted-api-keys.ts'
import { plantLogo } from './planted-logo.ts'
import { type PlantedPasskey, plantCeremony, plantPasskey } from './planted-passkeys.ts'
import { plantSignUp } from './planted-sign-ups.ts'
import {
  plantAgreement,
  plantExchange,
  plantIdentity,
  plantProvider,
  plantTrustedProvider,
} from './planted-social.ts'
import type { Service, TenantOptions, TestTenant } from './service.ts'
import { type PlantedTrust, plantTrust } from './trusted-devices.ts'

export const PASSWORD = 'correct horse battery'

export type Answer<Body = Record<string, unknown>> = {
  status: number
  headers: Headers
  body: Body
  /** Round trips that the Worker counted for this request; NaN where it says nothing. */
  trips: { postgres: number; redis: number }
}

export type Tokens = {
  access_token: string
  token_type: string
  expires_in: number
  refresh_token: string
  refresh_expires_in: number
  session: { id: string; expires_at: string }
  user: { id: string; email: string; email_verified: boolean; name: string | null; roles: string[] }
}

/** The person as they see themselves. */
export type Self = Tokens['user'] & { locale: string | null; operational_mail: boolean }

export type ListedSession = {
  id: string
  created_at: string
  last_used_at: string
  expires_at: string
  address: string | null
  user_agent: string | null
  device: string | null
  methods: string[]
  current: boolean
}

export type SessionPage = { data: ListedSession[]; next_cursor: string | null }

export type CallOptions = {
  method?: string
  json?: unknown
  bearer?: string
  headers?: Record<string, string>
  /** The raw body; `json` sets the content type as well. */
  body?: string | Uint8Array
  /** What Cloudflare says of where the request comes from (`request.cf`). */
  cf?: { asOrganization?: string; country?: string }
}

export type Client = ReturnType<typeof createClient>

/** A caller of a tenant that no one else uses. */
export async function newClient(service: Service, options?: TenantOptions): Promise<Client> {
  return createClient(service, await service.newTenant(options))
}

/** A caller of one tenant, from an address of its own, so that no one else's limits count. */
export function createClient(service: Service, tenant: TestTenant, address = randomAddress()) {
  async function call<Body = Record<string, unknown>>(
    path: string,
    options: CallOptions = {},
  ): Promise<Answer<Body>> {
    const { json, bearer, headers = {}, body, cf } = options
    const response = await service.fetch(`${tenant.origin}${path}`, {
      method: options.method ?? (json === undefined && body === undefined ? 'GET' : 'POST'),
      headers: {
        'cf-connecting-ip': address,
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(body !== undefined && { body }),
      ...(cf !== undefined && { cf }),
    })
    const text = await response.text()
    const isJson = text !== '' && (response.headers.get('content-type')?.includes('json') ?? false)
    return {
      status: response.status,
      headers: response.headers,
      body: (isJson ? JSON.parse(text) : text) as Body,
      trips: readTrips(response.headers),
    }
  }

  const register = (email = newEmail(), password = PASSWORD, rest: object = {}) =>
    call<Tokens>('/v1/register', { json: { email, password, ...rest } })
  const login = (email: string, password = PASSWORD, rest: object = {}) =>
    call<Tokens>('/v1/login', { json: { email, password, ...rest } })
  const refresh = (refreshToken: string) =>
    call<Tokens>('/v1/refresh', { json: { refresh_token: refreshToken } })
  const logout = (refreshToken: string) => call('/v1/logout', { json: { refresh_token: refreshToken } })
  const me = (bearer: string) => call<Self>('/v1/me', { bearer })
  const listSessions = (bearer: string, query = '') => call<SessionPage>(`/v1/sessions${query}`, { bearer })

  /** An account that signed up, as everything after it needs one: made in a moment, where the tenant lets it sign in at once. */
  async function newAccount(): Promise<Account> {
    const email = newEmail()
    const tokens = await plantSignUp(service, tenant, { email, password: PASSWORD, address })
    return tokens ? { email, tokens } : signUp(email)
  }

  /** The same over HTTP: for tests that are about what a sign-up leaves behind besides its rows. */
  async function signUp(email = newEmail()): Promise<Account> {
    const { status, body } = await register(email)
    if (status !== 201) throw new Error(`registration answered ${status}: ${JSON.stringify(body)}`)
    return { email, tokens: body }
  }

  /**
   * An account that administers its tenant, and whose tenant has a webhook endpoint and a dead delivery to it, both
   * under the id of the account's session. The role is in the database alone: what the token says is not asked.
   */
  const newAdmin = async (): Promise<Account> => administrator(await newAccount())

  /** The same of one that signed up over HTTP. */
  const signUpAdmin = async (): Promise<Account> => administrator(await signUp())

  async function administrator(account: Account): Promise<Account> {
    await makeAdmin(service, tenant, account.tokens)
    return account
  }

  /** A token that was mailed to the account, made in a moment. */
  const plant = (purpose: OneTimePurpose, to: Pick<Tokens, 'user'>, rest?: Planted): Promise<Mailed> =>
    plantToken(service, purpose, to, rest)

  /** An authenticator app of the account, made in a moment. */
  const withFactor = (
    to: Pick<Tokens, 'user'>,
    rest?: { isConfirmed?: boolean; purpose?: 'sign_in' | 'enrol' },
  ): Promise<PlantedFactor> => plantFactor(service, to, rest)

  /** The newest token that an operation had mailed to the account. */
  const mailed = (purpose: OneTimePurpose, { user }: Pick<Tokens, 'user'>) =>
    mailedToken(service, purpose, user.id)

  /** The form of a hosted page, shown to the account or to anyone. @param isOld whether a page would renew the session */
  async function pageForm(to: Tokens | null, { isOld = false } = {}): Promise<PlantedForm> {
    if (to && isOld)
      await service.sql(
        `update refresh_tokens set created_at = created_at - interval '10 minutes' where session_id = $1`,
        [to.session.id],
      )
    return plantForm(service, tenant, to)
  }

  /** A passkey of the account, made in a moment. */
  const plantedPasskey = (
    { user }: { user: { id: string } },
    rest: { isSecondFactor?: boolean } = {},
  ): Promise<PlantedPasskey> => plantPasskey(service, tenant, user.id, rest)

  /** A browser that the account trusts, made in a moment; `agent` is what it calls itself. */
  const plantedTrust = (to: { user: { id: string } }, agent?: string | null): Promise<PlantedTrust> =>
    plantTrust(service, tenant, to.user.id, agent)
  /** A removal of the second factors of an account, which waits. */
  const plantedRemoval = async ({ user }: { user: { id: string } }): Promise<void> => {
    await service.sql(
      `insert into second_factor_removals (id, tenant_id, user_id, requested_by, reason, due_at)
       values (gen_random_uuid(), $1, $2, $2, 'lost the phone', now() + interval '1 day')`,
      [tenant.id, user.id],
    )
  }

  /** An event in the audit log of the tenant. */
  const plantedAudit = () => fillAudit(service, tenant, 1)

  /** An API key of the account. */
  const plantedApiKey = ({ user }: { user: { id: string } }): Promise<PlantedApiKey> =>
    plantApiKey(service, tenant, user.id)
  const plantedTenantKey = (): Promise<PlantedApiKey> => plantApiKey(service, tenant, null)

  /** A logo of the tenant. @returns its version */
  const plantedLogo = (): Promise<string> => plantLogo(service, tenant)

  /** Lets administrators of the tenant act as other people. */
  const allowingImpersonation = () =>
    service.sql(`update tenants set settings = settings || '{"impersonation":"allowed"}' where id = $1`, [
      tenant.id,
    ])

  /** An account that no one signs in to, made in a moment. */
  const plantedAccount = (planting?: Planting) => plantAccount(service, tenant, planting)

  /** The `lkm_…` token of a sign-in for which a code can be mailed. */
  const mailableSignIn = ({ user }: { user: { id: string } }): Promise<string> =>
    plantMailable(service, user.id)

  /** A challenge for its owner to answer, or for anyone who signs in, and the cookie of the browser that asked. */
  const plantedCeremony = (purpose: Parameters<typeof plantCeremony>[2]) =>
    plantCeremony(service, tenant, purpose)

  /** A provider of the tenant, an identity of the account, a flow of a browser, and a code of an app, made in a moment. */
  const plantedSocial = {
    provider: () => plantProvider(service, tenant),
    trustedProvider: () => plantTrustedProvider(service, tenant),
    identity: ({ user }: { user: { id: string } }) => plantIdentity(service, tenant, user.id),
    agreement: ({ user }: { user: { id: string } }) => plantAgreement(service, tenant, user.id),
    exchange: ({ user }: { user: { id: string } }) => plantExchange(service, tenant, user.id),
  }

  /** A further session of the account. */
  async function signIn(email: string): Promise<Tokens> {
    const { status, body } = await login(email)
    if (status !== 200) throw new Error(`sign-in answered ${status}: ${JSON.stringify(body)}`)
    return body
  }

  return {
    address,
    tenant,
    call,
    register,
    login,
    refresh,
    logout,
    me,
    listSessions,
    newAccount,
    signUp,
    newAdmin,
    signUpAdmin,
    signIn,
    plant,
    withFactor,
    mailed,
    plantedAccount,
    pageForm,
    allowingImpersonation,
    plantedPasskey,
    plantedTrust,
    plantedApiKey,
    plantedAudit,
    plantedTenantKey,
    plantedLogo,
    plantedRemoval,
    mailableSignIn,
    plantedCeremony,
    plantedSocial,
  }
}

/** Gives an account the role, and its tenant the endpoint and the delivery that `newAdmin` speaks of. */
export async function makeAdmin(
  { sql }: Pick<Service, 'sql'>,
  tenant: TestTenant,
  { user, session }: Pick<Tokens, 'user' | 'session'>,
): Promise<void> {
  await sql(`update users set roles = '{admin}' where id = $1`, [user.id])
  // A tenant has room for 20, and tests share tenants.
  await sql(
    `delete from webhook_endpoints where id in (
       select id from webhook_endpoints where tenant_id = $1 order by created_at desc offset 12)`,
    [tenant.id],
  )
  await sql(
    `with endpoint as (
       insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
       values ($1, $2, 'http://127.0.0.1:9/hook', '{*}', 'k1.AAAA.AAAA') returning id, tenant_id)
     insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload, state, attempts, settled_at)
     select id, tenant_id, id, id, 'user.updated', '{}', 'dead', 8, now() from endpoint`,
    [session.id, tenant.id],
  )
}

export type Account = { email: string; tokens: Tokens }

export const newEmail = () => `${randomUUID()}@example.com`

/** A token of the right form that no one was given. */
export function unknownRefreshToken(): string {
  return `lkr_${randomBytes(32).toString('base64url')}`
}

/** A public-looking IPv4 address. */
export function randomAddress(): string {
  const octet = () => randomInt(1, 250)
  return `${octet()}.${octet()}.${octet()}.${octet()}`
}

/** From `Server-Timing: postgres;desc="2";dur=…, redis;desc="1";…`, which SERVER_TIMING=on adds. */
function readTrips(headers: Headers): { postgres: number; redis: number } {
  const timing = headers.get('server-timing') ?? ''
  const of = (name: string) => Number(new RegExp(`${name};desc="(\\d+)"`).exec(timing)?.[1] ?? Number.NaN)
  return { postgres: of('postgres'), redis: of('redis') }
}

/** `n` calls that are all under way at once. */
export function race<T>(n: number, call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: n }, (_, index) => call(index)))
}

/**
 * Repeats `call` until it is refused for its limit. A window that slides over a boundary meanwhile gives a few calls
 * more, so no test may count on the very next one.
 */
export async function untilLimited<T extends { status: number }>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const answer = await call()
    if (answer.status === 429) return answer
  }
  throw new Error('20 calls over the limit were let through')
}

export function countBy<T>(items: T[], key: (item: T) => string | number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1
  return counts
}
