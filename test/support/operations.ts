/** Every operation, as a signed-in caller would call it: for tests that hold all of them to one rule. */

import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { codeAt, type PlantedFactor } from './authenticator.ts'
import { type Answer, type Client, newEmail, PASSWORD, type Tokens } from './client.ts'
import type { Mailed } from './mailed.ts'

export type OperationUnderTest = {
  name: string
  method: string
  path: string
  call(client: Client, tokens: Tokens): Promise<Answer<unknown>>
  /** What the call needs to be there, where that is not all in the tokens. @returns the call itself */
  prepare?(client: Client, tokens: Tokens): Promise<() => Promise<Answer<unknown>>>
}

const asBearer = (method: string, path: string, json?: unknown): OperationUnderTest => ({
  name: `${method} ${path}`,
  method,
  path,
  call: (client, { access_token, session }) =>
    client.call(path.replace(':id', session.id).replace(':delivery_id', session.id), {
      method,
      bearer: access_token,
      ...(json !== undefined && { json }),
    }),
})

const asAnyone = (
  method: string,
  path: string,
  body?: (tokens: Tokens) => Record<string, unknown>,
): OperationUnderTest => ({
  name: `${method} ${path}`,
  method,
  path,
  call: (client, tokens) => client.call(path, { method, ...(body && { json: body(tokens) }) }),
})

/** By a mailed token of this purpose, which is there in a moment. */
const asRecipient = (
  path: string,
  purpose: OneTimePurpose,
  body: (mailed: Mailed, tokens: Tokens) => Record<string, unknown> = ({ token }) => ({ token }),
): OperationUnderTest => {
  const prepare = async (client: Client, tokens: Tokens) => {
    const mailed = await client.plant(purpose, tokens, { closed: purpose === 'restore_account' })
    const headers = { cookie: mailed.cookie, 'sec-fetch-site': 'same-origin' }
    const json = body(mailed, tokens)
    return () => client.call(path, { json, ...(path === '/v1/email/link/verify' && { headers }) })
  }
  const call = async (client: Client, tokens: Tokens) => (await prepare(client, tokens))()
  return { name: `POST ${path}`, method: 'POST', path, prepare, call }
}

/** Of an account with an authenticator app, which is there in a moment. */
const withFactor = (
  method: string,
  path: string,
  body?: (factor: PlantedFactor) => Record<string, unknown>,
  {
    isBearer = true,
    isConfirmed = true,
    purpose = 'sign_in',
  }: { isBearer?: boolean; isConfirmed?: boolean; purpose?: 'sign_in' | 'enrol' } = {},
): OperationUnderTest => {
  const prepare = async (client: Client, tokens: Tokens) => {
    const factor = await client.withFactor(tokens, { isConfirmed, purpose })
    const options = {
      method,
      ...(body && { json: body(factor) }),
      ...(isBearer && { bearer: tokens.access_token }),
    }
    return () => client.call(path, options)
  }
  const call = async (client: Client, tokens: Tokens) => (await prepare(client, tokens))()
  return { name: `${method} ${path}`, method, path, prepare, call }
}

const ENROLLING = { isBearer: false, isConfirmed: false, purpose: 'enrol' } as const

const CHANGE = { current_password: PASSWORD, new_password: 'another battery staple' }

/** Those that need PostgreSQL to answer. The administrator's are of `client.newAdmin()`. */
export const OPERATIONS: OperationUnderTest[] = [
  asAnyone('POST', '/v1/register', () => ({ email: newEmail(), password: PASSWORD })),
  asAnyone('POST', '/v1/login', ({ user }) => ({ email: user.email, password: PASSWORD })),
  asAnyone('POST', '/v1/password/forgot', ({ user }) => ({ email: user.email })),
  asRecipient('/v1/password/reset', 'reset_password', ({ token }) => ({
    token,
    password: 'new battery staple',
  })),
  asBearer('POST', '/v1/password/change', CHANGE),
  asBearer('POST', '/v1/password/confirm', { password: PASSWORD }),
  asRecipient('/v1/email/verify', 'verify_email', ({ token }) => ({ token, password: PASSWORD })),
  asAnyone('POST', '/v1/email/resend', ({ user }) => ({ email: user.email })),
  asBearer('POST', '/v1/email/change', { email: 'elsewhere@example.com' }),
  asRecipient('/v1/email/change/confirm', 'change_email_old'),
  asRecipient('/v1/email/change/revert', 'revert_email'),
  asAnyone('POST', '/v1/email/code', ({ user }) => ({ email: user.email })),
  asRecipient('/v1/email/code/verify', 'sign_in', ({ code }, { user }) => ({ email: user.email, code })),
  asRecipient('/v1/email/link/verify', 'sign_in'),
  asRecipient('/v1/invitations/accept', 'invitation', ({ token }) => ({
    token,
    password: 'new battery staple',
  })),
  asAnyone('POST', '/v1/refresh', ({ refresh_token }) => ({ refresh_token })),
  asAnyone('POST', '/v1/logout', ({ refresh_token }) => ({ refresh_token })),
  asBearer('GET', '/v1/sessions'),
  asBearer('DELETE', '/v1/sessions/:id'),
  asBearer('DELETE', '/v1/sessions'),
  asBearer('GET', '/v1/me'),
  asBearer('PATCH', '/v1/me', { name: 'Ada' }),
  asBearer('GET', '/v1/me/export'),
  asBearer('DELETE', '/v1/me'),
  asRecipient('/v1/me/restore', 'restore_account'),
  withFactor(
    'POST',
    '/v1/mfa/verify',
    ({ mfaToken, secret }) => ({ mfa_token: mfaToken, method: 'totp', code: codeAt(secret) }),
    { isBearer: false },
  ),
  withFactor('POST', '/v1/mfa/enrol', ({ mfaToken }) => ({ mfa_token: mfaToken }), ENROLLING),
  withFactor(
    'POST',
    '/v1/mfa/enrol/confirm',
    ({ mfaToken, factorId, secret }) => ({ mfa_token: mfaToken, factor_id: factorId, code: codeAt(secret) }),
    ENROLLING,
  ),
  withFactor('POST', '/v1/mfa/step-up', ({ secret }) => ({ method: 'totp', code: codeAt(secret) })),
  asBearer('GET', '/v1/mfa'),
  withFactor('POST', '/v1/mfa/totp'),
  withFactor(
    'POST',
    '/v1/mfa/totp/confirm',
    ({ factorId, secret }) => ({ factor_id: factorId, code: codeAt(secret) }),
    { isConfirmed: false },
  ),
  withFactor('DELETE', '/v1/mfa/totp'),
  withFactor('POST', '/v1/mfa/recovery-codes'),
  asBearer('GET', '/v1/admin/audit-events'),
  asBearer('POST', '/v1/admin/users/import', { users: [{ email: 'moved@example.com' }] }),
  asBearer('POST', '/v1/admin/invitations', { email: 'invited@example.com' }),
  asBearer('POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/other', events: ['user.registered'] }),
  asBearer('GET', '/v1/webhooks'),
  asBearer('GET', '/v1/webhooks/:id'),
  asBearer('PATCH', '/v1/webhooks/:id', { description: 'Ours' }),
  asBearer('DELETE', '/v1/webhooks/:id'),
  asBearer('POST', '/v1/webhooks/:id/rotate-secret'),
  asBearer('POST', '/v1/webhooks/:id/test'),
  asBearer('GET', '/v1/webhooks/:id/deliveries'),
  asBearer('POST', '/v1/webhooks/:id/deliveries/replay', { since: '2026-01-01T00:00:00Z' }),
  asBearer('POST', '/v1/webhooks/:id/deliveries/:delivery_id/replay'),
  asAnyone('GET', '/.well-known/jwks.json'),
  asAnyone('GET', '/.well-known/openid-configuration'),
  asAnyone('GET', '/.well-known/change-password'),
]

const FORM = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }

/** A page, and its form, as whoever was mailed a link has them. */
const asReader = (
  path: string,
  purpose: OneTimePurpose | null,
  typed: (tokens: Tokens) => Record<string, string> = () => ({}),
): OperationUnderTest[] => [
  {
    name: `GET ${path}`,
    method: 'GET',
    path,
    call: async (client, tokens) => {
      const closed = purpose === 'restore_account'
      const mailed = purpose && (await client.plant(purpose, tokens, { closed }))
      return client.call(mailed ? `${path}?token=${mailed.token}` : path)
    },
  },
  {
    name: `POST ${path}`,
    method: 'POST',
    path,
    call: async (client, tokens) => {
      const closed = purpose === 'restore_account'
      const mailed = purpose && (await client.plant(purpose, tokens, { closed }))
      const fields = { ...(mailed && { token: mailed.token }), ...typed(tokens) }
      const headers = { ...FORM, ...(mailed && { cookie: mailed.cookie }) }
      return client.call(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() })
    },
  },
]

/** What a browser is shown and posts; test/link-pages holds them to what every page must be. */
export const PAGES: OperationUnderTest[] = [
  ...asReader('/link/verify-email', 'verify_email', () => ({ password: PASSWORD })),
  ...asReader('/link/reset-password', 'reset_password', () => ({ password: 'new battery staple' })),
  ...asReader('/link/forgot-password', null, ({ user }) => ({ email: user.email })),
  ...asReader('/link/change-email', 'change_email_old'),
  ...asReader('/link/revert-email', 'revert_email'),
  ...asReader('/link/sign-in', 'sign_in'),
  ...asReader('/link/request-sign-in', null, ({ user }) => ({ email: user.email })),
  ...asReader('/link/resend-verification', null, ({ user }) => ({ email: user.email })),
  ...asReader('/link/restore-account', 'restore_account'),
  ...asReader('/link/accept-invitation', 'invitation', () => ({ password: 'new battery staple' })),
]
