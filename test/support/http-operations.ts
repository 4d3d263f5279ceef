/** The operations as a caller sees them, for tests that say something about all of them. */
import { type Client, newEmail, PASSWORD, type Tokens } from './client.ts'

export type Operation = {
  title: string
  method: string
  path: string
  /** The route that takes it, as the log names it; absent where that is the path. */
  route?: string
  /** What it is authorised by. */
  by: 'nothing' | 'bearer' | 'refresh token'
  /** A body that it accepts; absent where it takes none. */
  body?: (tokens: Tokens) => Record<string, unknown>
  /** What it wants besides. */
  headers?: Record<string, string>
}

const nothing = { by: 'nothing' } as const
const bearer = { by: 'bearer' } as const

/** Never a session of the caller's, so that no call ends the session that a test goes on with; nor any webhook. */
export const OTHER_ID = '00000000-0000-7000-8000-000000000000'

/** A one-time token of the right form that nobody was mailed. */
export const UNKNOWN_TOKEN = `lko_${'A'.repeat(43)}`

const BODIES: Operation[] = [
  {
    ...nothing,
    title: 'register',
    method: 'POST',
    path: '/v1/register',
    body: () => ({ email: newEmail(), password: PASSWORD, name: 'Ada' }),
  },
  {
    ...nothing,
    title: 'login',
    method: 'POST',
    path: '/v1/login',
    body: ({ user }) => ({ email: user.email, password: PASSWORD }),
  },
  posting('forgot password', '/v1/password/forgot', ({ user }) => ({ email: user.email })),
  posting('reset password', '/v1/password/reset', () => ({ token: UNKNOWN_TOKEN, password: PASSWORD })),
  posting('verify email', '/v1/email/verify', () => ({ token: UNKNOWN_TOKEN })),
  posting('resend', '/v1/email/resend', ({ user }) => ({ email: user.email })),
  posting('confirm an e-mail change', '/v1/email/change/confirm', () => ({ token: UNKNOWN_TOKEN })),
  posting('revert an e-mail change', '/v1/email/change/revert', () => ({ token: UNKNOWN_TOKEN })),
  posting('request a code', '/v1/email/code', ({ user }) => ({ email: user.email })),
  posting('verify a code', '/v1/email/code/verify', ({ user }) => ({ email: user.email, code: '123456' })),
  {
    ...posting('verify a link', '/v1/email/link/verify', () => ({ token: UNKNOWN_TOKEN })),
    headers: { cookie: `__Host-latchkey-challenge=${'A'.repeat(43)}` },
  },
  posting('accept an invitation', '/v1/invitations/accept', () => ({
    token: UNKNOWN_TOKEN,
    password: PASSWORD,
  })),
  refreshing('refresh', '/v1/refresh'),
  refreshing('logout', '/v1/logout'),
  { ...bearer, title: 'update me', method: 'PATCH', path: '/v1/me', body: () => ({ name: 'Grace' }) },
  {
    ...bearer,
    title: 'change password',
    method: 'POST',
    path: '/v1/password/change',
    body: () => ({ current_password: PASSWORD, new_password: PASSWORD }),
  },
  {
    ...bearer,
    title: 'confirm password',
    method: 'POST',
    path: '/v1/password/confirm',
    body: () => ({ password: PASSWORD }),
  },
  {
    ...bearer,
    title: 'change e-mail',
    method: 'POST',
    path: '/v1/email/change',
    body: () => ({ email: newEmail() }),
  },
  posting('restore me', '/v1/me/restore', () => ({ token: `lko_${'A'.repeat(43)}` })),
  {
    ...bearer,
    title: 'import users',
    method: 'POST',
    path: '/v1/admin/users/import',
    body: () => ({ users: [{ email: newEmail() }] }),
  },
  {
    ...bearer,
    title: 'invite somebody',
    method: 'POST',
    path: '/v1/admin/invitations',
    body: () => ({ email: newEmail() }),
  },
  {
    ...bearer,
    title: 'create a webhook',
    method: 'POST',
    path: '/v1/webhooks',
    body: () => ({ url: 'http://127.0.0.1:9/other', events: ['user.registered'] }),
  },
  {
    ...bearer,
    title: 'update a webhook',
    method: 'PATCH',
    path: `/v1/webhooks/${OTHER_ID}`,
    route: '/v1/webhooks/:id',
    body: () => ({ description: 'Ours' }),
  },
  {
    ...bearer,
    title: 'replay deliveries',
    method: 'POST',
    path: `/v1/webhooks/${OTHER_ID}/deliveries/replay`,
    route: '/v1/webhooks/:id/deliveries/replay',
    body: () => ({ since: '2026-01-01T00:00:00Z' }),
  },
]

function posting(title: string, path: string, body: NonNullable<Operation['body']>): Operation {
  return { title, method: 'POST', path, by: 'nothing', body }
}

function refreshing(title: string, path: string): Operation {
  return {
    title,
    method: 'POST',
    path,
    by: 'refresh token',
    body: (tokens) => ({ refresh_token: tokens.refresh_token }),
  }
}

/** Operations that take a JSON body. */
export const bodyOperations: readonly Operation[] = BODIES

/** Operations that an access token authorises. `logout` takes one too. */
export const bearerOperations: readonly Operation[] = [
  { ...bearer, title: 'read me', method: 'GET', path: '/v1/me' },
  ...BODIES.filter(({ by }) => by === 'bearer'),
  { ...bearer, title: 'export me', method: 'GET', path: '/v1/me/export' },
  { ...bearer, title: 'delete me', method: 'DELETE', path: '/v1/me' },
  { ...bearer, title: 'list sessions', method: 'GET', path: '/v1/sessions' },
  { ...bearer, title: 'revoke a session', method: 'DELETE', path: `/v1/sessions/${OTHER_ID}` },
  { ...bearer, title: 'revoke other sessions', method: 'DELETE', path: '/v1/sessions?except=current' },
  { ...bearer, title: 'revoke all sessions', method: 'DELETE', path: '/v1/sessions' },
  { ...bearer, title: 'read the audit log', method: 'GET', path: '/v1/admin/audit-events' },
  { ...bearer, title: 'list webhooks', method: 'GET', path: '/v1/webhooks' },
  { ...bearer, title: 'read a webhook', method: 'GET', path: `/v1/webhooks/${OTHER_ID}` },
  { ...bearer, title: 'rotate a secret', method: 'POST', path: `/v1/webhooks/${OTHER_ID}/rotate-secret` },
  { ...bearer, title: 'test a webhook', method: 'POST', path: `/v1/webhooks/${OTHER_ID}/test` },
  { ...bearer, title: 'list deliveries', method: 'GET', path: `/v1/webhooks/${OTHER_ID}/deliveries` },
  {
    ...bearer,
    title: 'replay a delivery',
    method: 'POST',
    path: `/v1/webhooks/${OTHER_ID}/deliveries/${OTHER_ID}/replay`,
  },
  { ...bearer, title: 'delete a webhook', method: 'DELETE', path: `/v1/webhooks/${OTHER_ID}` },
  { ...bearer, title: 'logout by bearer', method: 'POST', path: '/v1/logout' },
]

/** Operations whose answer is the same for everybody and may be kept. */
export const publicOperations: readonly Operation[] = [
  { ...nothing, title: 'jwks', method: 'GET', path: '/.well-known/jwks.json' },
  { ...nothing, title: 'openid-configuration', method: 'GET', path: '/.well-known/openid-configuration' },
  { ...nothing, title: 'change-password', method: 'GET', path: '/.well-known/change-password' },
  { ...nothing, title: 'openapi', method: 'GET', path: '/openapi.json' },
]

export const healthOperations: readonly Operation[] = [
  { ...nothing, title: 'healthz', method: 'GET', path: '/healthz' },
  { ...nothing, title: 'readyz', method: 'GET', path: '/readyz' },
]

export const allOperations: readonly Operation[] = [
  ...BODIES.filter(({ by }) => by !== 'bearer'),
  ...bearerOperations,
  ...publicOperations,
  ...healthOperations,
]

/** Calls an operation as it wants to be called, with whatever a test adds. */
export function perform(
  client: Client,
  { method, path, by, body, headers: own }: Operation,
  tokens: Tokens,
  headers: Record<string, string> = {},
) {
  return client.call(path, {
    method,
    headers: { ...own, ...headers },
    ...(by === 'bearer' && { bearer: tokens.access_token }),
    ...(body && { json: body(tokens) }),
  })
}
