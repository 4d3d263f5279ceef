/**
 * The rows of LIMITS as callers use them: the call, whether it writes, what its success looks like, and the facts by
 * which the database shows that it took effect. Each attempt has an account (or a host) of its own.
 */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { LIMITS, type LimitedOperation } from '../../src/limits/limits.ts'
import { type Answer, createClient, newEmail, PASSWORD } from '../support/client.ts'
import { BCRYPT } from '../support/import-users.ts'
import { plantLogo } from '../support/planted-logo.ts'
import type { Backend, Row, TestTenant } from '../support/service.ts'
import { ACCOUNT_OPERATIONS } from './account-operations.ts'
import {
  type Attempt,
  askFacts,
  type FaultedOperation,
  factsOfReading,
  inCookie,
  newAdmin,
  newBearer,
  newCaller,
  reading,
  type Stage,
  type Transport,
  tokensIn,
  writing,
} from './callers.ts'
import { MFA_OPERATIONS } from './mfa-operations.ts'
import { ordinaryOperations } from './ordinary.ts'
import { PASSKEY_OPERATIONS } from './passkey-operations.ts'
import { SOCIAL_OPERATIONS } from './social-operations.ts'

/** Whose facts are known; the others are `ordinaryOperations`. */
const KNOWN: Partial<Record<LimitedOperation, FaultedOperation[]>> = {
  register: [
    { ...writing, title: 'register', repeats: false, prepare: toRegister('token') },
    { ...writing, title: 'register by cookie', repeats: false, prepare: toRegister('cookie') },
  ],
  login: [
    { ...writing, title: 'login', repeats: false, prepare: toLogin('token') },
    { ...writing, title: 'login by cookie', repeats: false, prepare: toLogin('cookie') },
  ],
  ...ACCOUNT_OPERATIONS,
  ...PASSKEY_OPERATIONS,
  ...SOCIAL_OPERATIONS,
  refresh: [
    { ...writing, title: 'refresh', prepare: toRefresh('token') },
    { ...writing, title: 'refresh by cookie', prepare: toRefresh('cookie') },
  ],
  logout: [
    { ...writing, title: 'logout', prepare: toLogout('token') },
    { ...writing, title: 'logout by cookie', prepare: toLogout('cookie') },
    { ...writing, title: 'logout by bearer token', prepare: toLogoutByBearer },
  ],
  readMe: [{ ...reading, title: 'readMe', prepare: toReadMe }],
  updateMe: [{ ...writing, title: 'updateMe', prepare: toUpdateMe }],
  listSessions: [{ ...reading, title: 'listSessions', prepare: toListSessions }],
  revokeSession: [{ ...writing, title: 'revokeSession', prepare: toRevoke('one') }],
  revokeSessions: [
    // Who has ended the own session with the others is no one when asking again.
    { ...writing, title: 'revokeSessions', repeats: false, prepare: toRevoke('all') },
    { ...writing, title: 'revokeSessions except the current one', prepare: toRevoke('others') },
  ],
  ...MFA_OPERATIONS,
  listAuditEvents: [{ ...reading, title: 'listAuditEvents', prepare: toListAuditEvents }],
  importUsers: [{ ...writing, title: 'importUsers', prepare: toImportUsers }],
  createInvitation: [{ ...writing, title: 'createInvitation', prepare: toInvite }],
  createWebhook: [{ ...writing, title: 'createWebhook', prepare: toCreateWebhook }],
  listWebhooks: [{ ...reading, title: 'listWebhooks', prepare: toReadWebhooks('') }],
  readWebhook: [{ ...reading, title: 'readWebhook', prepare: toReadWebhooks('/:id') }],
  updateWebhook: [
    {
      ...writing,
      title: 'updateWebhook',
      prepare: toWriteWebhook('PATCH', '', { description: 'Ours' }, 200, {
        changed: `exists (select from webhook_endpoints where id = $1 and description = 'Ours')`,
        recorded: recordedOf('webhook.updated'),
      }),
    },
  ],
  deleteWebhook: [
    {
      ...writing,
      title: 'deleteWebhook',
      repeats: false,
      prepare: toWriteWebhook('DELETE', '', undefined, 204, {
        gone: 'not exists (select from webhook_endpoints where id = $1)',
        recorded: recordedOf('webhook.deleted'),
      }),
    },
  ],
  rotateWebhookSecret: [
    {
      ...writing,
      title: 'rotateWebhookSecret',
      prepare: toWriteWebhook('POST', '/rotate-secret', undefined, 200, {
        rotated:
          'exists (select from webhook_endpoints where id = $1 and sealed_previous_secret is not null)',
        recorded: recordedOf('webhook.secret_rotated'),
      }),
    },
  ],
  testWebhook: [
    {
      ...writing,
      title: 'testWebhook',
      prepare: toWriteWebhook('POST', '/test', undefined, 202, {
        made: `exists (select from webhook_deliveries where endpoint_id = $1 and type = 'webhook.test')`,
      }),
    },
  ],
  listWebhookDeliveries: [
    { ...reading, title: 'listWebhookDeliveries', prepare: toReadWebhooks('/:id/deliveries') },
  ],
  replayWebhookDelivery: [
    {
      ...writing,
      title: 'replayWebhookDelivery',
      prepare: toWriteWebhook('POST', '/deliveries/:id/replay', undefined, 202, replayedFacts()),
    },
  ],
  replayWebhookDeliveries: [
    {
      ...writing,
      title: 'replayWebhookDeliveries',
      prepare: toWriteWebhook(
        'POST',
        '/deliveries/replay',
        { since: '2026-01-01T00:00:00Z', state: 'all' },
        202,
        replayedFacts(),
      ),
    },
  ],
  jwks: [
    { ...reading, title: 'jwks', isKept: true, prepare: toReadKeys({ isKept: true }) },
    { ...reading, title: 'jwks of a host that was not asked yet', prepare: toReadKeys({ isKept: false }) },
  ],
  statusList: [{ ...reading, title: 'statusList', prepare: toReadList }],
  openidConfiguration: [
    { ...reading, title: 'openidConfiguration', isKept: true, prepare: toDiscover({ isKept: true }) },
    {
      ...reading,
      title: 'openidConfiguration of a host that was not asked yet',
      prepare: toDiscover({ isKept: false }),
    },
  ],
  changePasswordPage: [
    { ...reading, title: 'changePasswordPage', isKept: true, prepare: toFindPasswordPage({ isKept: true }) },
    {
      ...reading,
      title: 'changePasswordPage of a host that was not asked yet',
      prepare: toFindPasswordPage({ isKept: false }),
    },
  ],
  tenantLogo: [
    { ...reading, title: 'tenantLogo', isKept: true, prepare: toReadLogo({ isKept: true }) },
    {
      ...reading,
      title: 'tenantLogo of a host that was not asked yet',
      prepare: toReadLogo({ isKept: false }),
    },
  ],
  relatedOrigins: [
    { ...reading, title: 'relatedOrigins', isKept: true, prepare: toFindOrigins({ isKept: true }) },
    {
      ...reading,
      title: 'relatedOrigins of a host that was not asked yet',
      prepare: toFindOrigins({ isKept: false }),
    },
  ],
  linkPage: [{ ...reading, title: 'linkPage', isPage: true, prepare: toOpenLink }],
  hostedPage: [{ ...reading, title: 'hostedPage', isPage: true, prepare: toOpenSignIn }],
  continueSignedIn: [{ ...reading, title: 'continueSignedIn', isPage: true, prepare: toContinue }],
  openapi: [{ ...reading, title: 'openapi', prepare: toAskHealth('/openapi.json', { openapi: '3.1.1' }) }],
  healthz: [{ ...reading, title: 'healthz', prepare: toAskHealth('/healthz', { status: 'ok' }) }],
  readyz: [
    {
      ...reading,
      title: 'readyz',
      reports: true,
      prepare: toAskHealth('/readyz', {
        status: 'ok',
        postgres: 'ok',
        redis: 'ok',
        signing_key: 'ok',
        auth_keys: 'ok',
      }),
    },
  ],
}

export const OPERATIONS: Record<string, FaultedOperation[]> = Object.fromEntries(
  Object.keys(LIMITS).map((row) => {
    const known = KNOWN[row as LimitedOperation] ?? [] // Object.keys forgets the type
    return [row, [...known, ...ordinaryOperations(row, known)]]
  }),
)

function toRegister(transport: Transport) {
  return async ({ patient, hurried, tenant }: Stage): Promise<Attempt> => {
    const client = createClient(hurried, tenant)
    const email = newEmail()
    const account = 'select id from users where tenant_id = $1 and email = $2'
    const begun = `select id from sessions where user_id = (${account})`
    return {
      call: () => client.register(email, PASSWORD, { transport }),
      success: { status: 201, ...tokensIn(transport) },
      facts: () =>
        askFacts(
          patient,
          {
            account: `exists (${account})`,
            password: `exists (select from passwords where user_id = (${account}))`,
            session: `1 = (select count(*) from (${begun}) as session)`,
            token: `1 = (select count(*) from refresh_tokens where session_id in (${begun}))`,
            registered: `exists (select from events where type = 'user.registered' and subject = (${account}))`,
            started: `exists (select from events where type = 'session.started' and subject = (${account}))`,
          },
          [tenant.id, email],
        ),
    }
  }
}

function toLogin(transport: Transport) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, email, userId, sessionId } = await newCaller(stage)
    const begun = 'select id from sessions where user_id = $1 and id <> $2'
    return {
      call: () => client.login(email, PASSWORD, { transport }),
      success: { status: 200, ...tokensIn(transport) },
      facts: () =>
        askFacts(
          stage.patient,
          {
            session: `1 = (select count(*) from (${begun}) as session)`,
            token: `1 = (select count(*) from refresh_tokens where session_id in (${begun}))`,
            started: `1 = (select count(*) from events where type = 'session.started' and subject = $1)`,
          },
          [userId, sessionId],
        ),
    }
  }
}

function toRefresh(transport: Transport) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, refreshToken, sessionId } = await newCaller(stage)
    const byCookie = { method: 'POST', headers: inCookie(refreshToken) }
    return {
      call: () =>
        transport === 'cookie' ? client.call('/v1/refresh', byCookie) : client.refresh(refreshToken),
      success: { status: 200, ...tokensIn(transport) },
      facts: () =>
        askFacts(
          stage.patient,
          {
            used: 'exists (select from refresh_tokens where session_id = $1 and used_at is not null)',
            successor: `1 = (select count(*) from refresh_tokens successor join refresh_tokens used
              on used.id = successor.parent_id where successor.session_id = $1 and successor.used_at is null)`,
            counted: 'exists (select from sessions where id = $1 and refreshes = 1)',
          },
          [sessionId],
        ),
    }
  }
}

function toLogout(by: Transport) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, refreshToken, sessionId } = await newCaller(stage)
    const byCookie = { method: 'POST', headers: inCookie(refreshToken) }
    return {
      call: () => (by === 'cookie' ? client.call('/v1/logout', byCookie) : client.logout(refreshToken)),
      success: { status: 204, ...(by === 'cookie' && { cookie: /^__Host-latchkey=; Max-Age=0;/ }) },
      facts: () => factsOfLogout(stage, sessionId),
    }
  }
}

async function toLogoutByBearer(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  return {
    call: () => client.call('/v1/logout', { method: 'POST', bearer: tokens.access_token }),
    success: { status: 204 },
    facts: () => factsOfLogout(stage, tokens.session.id),
  }
}

function factsOfLogout({ patient }: Stage, sessionId: string) {
  return askFacts(
    patient,
    {
      ended: `exists (select from sessions where id = $1 and revoked_at is not null and revoke_reason = 'signed_out')`,
      recorded: `1 = (select count(*) from events where type = 'session.ended' and data->>'session_id' = $1::text)`,
    },
    [sessionId],
  )
}

async function toReadMe(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  return {
    call: () => client.me(tokens.access_token),
    success: { status: 200, body: tokens.user },
    facts: factsOfReading,
  }
}

async function toUpdateMe(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const name = `Ada ${randomUUID()}`
  return {
    call: () => client.call('/v1/me', { method: 'PATCH', bearer: tokens.access_token, json: { name } }),
    success: { status: 200, body: { ...tokens.user, name } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          name: 'exists (select from users where id = $1 and name = $2)',
          recorded: `exists (select from events where type = 'user.updated' and subject = $1)`,
        },
        [tokens.user.id, name],
      ),
  }
}

async function toListAuditEvents(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newAdmin(stage)
  return {
    call: () => client.call('/v1/admin/audit-events', { bearer: tokens.access_token }),
    success: { status: 200, body: { data: expect.any(Array), next_cursor: null } },
    facts: factsOfReading,
  }
}

async function toImportUsers(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newAdmin(stage)
  const email = newEmail()
  const json = { users: [{ email, password_hash: BCRYPT }] }
  const account = 'select id from users where tenant_id = $1 and email = $2'
  return {
    call: () => client.call('/v1/admin/users/import', { bearer: tokens.access_token, json }),
    // Made again after an answer that was lost, it says that the account exists.
    success: {
      status: 200,
      body: { results: [{ index: 0, status: expect.stringMatching(/^(created|exists)$/) }] },
    },
    facts: () =>
      askFacts(
        stage.patient,
        {
          account: `exists (${account})`,
          password: `exists (select from passwords where user_id = (${account}))`,
          recorded: `1 = (select count(*) from events where type = 'user.imported' and subject = (${account}))`,
        },
        [stage.tenant.id, email],
      ),
  }
}

async function toInvite(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newAdmin(stage)
  const email = newEmail()
  const account = 'select id from users where tenant_id = $1 and email = $2'
  return {
    call: () => client.call('/v1/admin/invitations', { bearer: tokens.access_token, json: { email } }),
    success: { status: 202, body: { status: 'invited' } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          account: `exists (${account})`,
          issued: `exists (select from one_time_tokens where purpose = 'invitation' and user_id = (${account}))`,
          recorded: `exists (select from events where type = 'user.invited' and subject = (${account}))`,
        },
        [stage.tenant.id, email],
      ),
  }
}

/** In a tenant of its own, because a tenant has room for so many. */
async function toCreateWebhook(shared: Stage): Promise<Attempt> {
  const stage = { ...shared, tenant: await shared.patient.newTenant() }
  const { client, tokens } = await newAdmin(stage)
  const url = `http://127.0.0.1:9/${randomUUID()}`
  const json = { url, events: ['user.registered'] }
  return {
    call: () => client.call('/v1/webhooks', { bearer: tokens.access_token, json }),
    success: { status: 201, body: { url, secret: expect.stringMatching(/^whsec_/) } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          made: 'exists (select from webhook_endpoints where url = $1)',
          recorded: `exists (select from events where type = 'webhook.created'
            and data->>'endpoint_id' = (select id::text from webhook_endpoints where url = $1 limit 1))`,
        },
        [url],
      ),
  }
}

function toReadWebhooks(path: string) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, tokens } = await newAdmin(stage)
    const { id } = tokens.session
    return {
      call: () => client.call(`/v1/webhooks${path.replace(':id', id)}`, { bearer: tokens.access_token }),
      success: { status: 200, body: path === '/:id' ? { id } : { data: expect.any(Array) } },
      facts: factsOfReading,
    }
  }
}

/** @param facts about the endpoint `$1` */
function toWriteWebhook(
  method: string,
  path: string,
  json: unknown,
  status: number,
  facts: Record<string, string>,
) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, tokens } = await newAdmin(stage)
    const { id } = tokens.session
    const options = { method, bearer: tokens.access_token, ...(json !== undefined && { json }) }
    return {
      call: () => client.call(`/v1/webhooks/${id}${path.replace(':id', id)}`, options),
      success: { status },
      facts: () => askFacts(stage.patient, facts, [id]),
    }
  }
}

function recordedOf(type: string): string {
  return `exists (select from events where type = '${type}' and data->>'endpoint_id' = $1::text)`
}

function replayedFacts() {
  return {
    due: `exists (select from webhook_deliveries where id = $1 and state = 'pending' and attempts = 0)`,
    recorded: recordedOf('webhook.replayed'),
  }
}

async function toListSessions(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const current = { id: tokens.session.id, current: true }
  return {
    call: () => client.listSessions(tokens.access_token),
    success: { status: 200, body: { data: [current], next_cursor: null } },
    facts: factsOfReading,
  }
}

/** Of the caller's three sessions: one other, both others, or all. */
function toRevoke(which: 'one' | 'others' | 'all') {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, tokens } = await newBearer(stage)
    const own = tokens.session.id
    const others = [await plantSession(stage.patient, own), await plantSession(stage.patient, own)]
    const ending = { one: others.slice(0, 1), others, all: [own, ...others] }[which]
    const path = {
      one: `/v1/sessions/${others[0]}`,
      others: '/v1/sessions?except=current',
      all: '/v1/sessions',
    }
    return {
      call: () => client.call(path[which], { method: 'DELETE', bearer: tokens.access_token }),
      success: { status: 204 },
      facts: () =>
        askFacts(
          stage.patient,
          {
            ended: `$2::uuid[] = array(select id from sessions where user_id = $1 and revoke_reason = 'revoked' order by id)`,
            recorded: `1 = (select count(*) from events where type = 'session.revoked' and subject = $1)`,
          },
          [tokens.user.id, ending.toSorted()],
        ),
    }
  }
}

/** A further session of the same account, without the hash that signing in takes. @returns its id */
export async function plantSession({ sql }: Pick<Backend, 'sql'>, like: string): Promise<string> {
  const [planted] = await sql<Row & { session_id: string }>(
    `with planted as (
       insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal)
       select gen_random_uuid(), tenant_id, user_id, expires_at, idle_expires_at, amr, aal
       from sessions where id = $1 returning *)
     insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
     select gen_random_uuid(), tenant_id, id, sha256(id::text::bytea), 'k1', idle_expires_at from planted
     returning session_id`,
    [like],
  )
  if (!planted) throw new Error(`there is no session ${like}`)
  return planted.session_id
}

type Kept = { isKept: boolean }

function toReadKeys({ isKept }: Kept) {
  return (stage: Stage) =>
    toReadPublic(stage, '/.well-known/jwks.json', isKept, () => ({
      keys: [{ kty: 'OKP', kid: expect.any(String) }],
    }))
}

function toDiscover({ isKept }: Kept) {
  return (stage: Stage) =>
    toReadPublic(stage, '/.well-known/openid-configuration', isKept, ({ origin }) => ({ issuer: origin }))
}

async function toReadPublic(
  { patient, hurried }: Stage,
  path: string,
  isKept: boolean,
  body: (tenant: TestTenant) => object,
): Promise<Attempt> {
  const tenant = await patient.newTenant()
  const client = createClient(hurried, tenant)
  if (isKept) await askUntilKept(() => client.call(path))
  return {
    call: () => client.call(path),
    success: { status: 200, body: body(tenant) },
    facts: factsOfReading,
  }
}

/** A copy is used for seconds, and not longer while the database is away: it would say less than the truth. */
async function toReadList(stage: Stage): Promise<Attempt> {
  const read = await toReadPublic(stage, '/.well-known/status-list', false, () => ({}))
  return { ...read, success: { status: 200, body: expect.stringMatching(/^ey/) } }
}

function toFindPasswordPage({ isKept }: Kept) {
  return async (stage: Stage): Promise<Attempt> => ({
    ...(await toReadPublic(stage, '/.well-known/change-password', isKept, () => ({}))),
    success: { status: 303 },
  })
}

function toReadLogo({ isKept }: Kept) {
  return async ({ patient, hurried }: Stage): Promise<Attempt> => {
    const tenant = await patient.newTenant()
    const path = `/logo/${await plantLogo(patient, tenant)}`
    const client = createClient(hurried, tenant)
    if (isKept) await askUntilKept(() => client.call(path))
    return { call: () => client.call(path), success: { status: 200 }, facts: factsOfReading }
  }
}

function toFindOrigins({ isKept }: Kept) {
  return (stage: Stage): Promise<Attempt> =>
    toReadPublic(stage, '/.well-known/webauthn', isKept, ({ origin }) => ({ origins: [origin] }))
}

async function toOpenLink({ hurried, tenant }: Stage): Promise<Attempt> {
  const client = createClient(hurried, tenant)
  return {
    call: () => client.call('/link/forgot-password'),
    success: { status: 200, body: expect.stringContaining('<form method="post"') },
    facts: factsOfReading,
  }
}

async function toOpenSignIn({ hurried, tenant }: Stage): Promise<Attempt> {
  const client = createClient(hurried, tenant)
  return {
    call: () => client.call('/sign-in'),
    success: {
      status: 200,
      body: expect.stringContaining('<form method="post"'),
      cookie: /^__Host-latchkey-form=/,
    },
    facts: factsOfReading,
  }
}

async function toContinue(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { fields, headers } = await client.pageForm(tokens)
  const type = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
  return {
    call: () =>
      client.call('/continue', {
        body: new URLSearchParams(fields).toString(),
        headers: { ...headers, ...type },
      }),
    success: { status: 303 },
    facts: factsOfReading,
  }
}

/** What is kept is written after the answer has left; if nothing is, the operation must show it. */
async function askUntilKept(ask: () => Promise<Answer<unknown>>): Promise<void> {
  for (let time = 0; time < 20; time++) if ((await ask()).trips.postgres === 0) return
}

function toAskHealth(path: string, body: object) {
  return async ({ hurried, tenant }: Stage): Promise<Attempt> => {
    const client = createClient(hurried, tenant)
    return { call: () => client.call(path), success: { status: 200, body }, facts: factsOfReading }
  }
}
