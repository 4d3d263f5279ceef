/**
 * Every event of the catalogue, seen in the audit log after the flow that makes it (FINDINGS F16). An event without a
 * flow does not compile, and a flow that does not end in its event fails.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { adminsCommand } from '../../ops/admins.ts'
import { tenantsCommand } from '../../ops/tenants.ts'
import { usersCommand } from '../../ops/users.ts'
import { EVENTS, type EventEntry, type EventType } from '../../src/events/catalogue.ts'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { setFailures, WRONG } from '../support/attempts.ts'
import { codeAt, verifyMfa, wrongCode } from '../support/authenticator.ts'
import {
  type CallOptions,
  type Client,
  newClient,
  newEmail,
  PASSWORD,
  race,
  type Tokens,
  untilLimited,
} from '../support/client.ts'
import { type AuditEvent, useStage } from '../support/event-stage.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { runInProcess } from '../support/operator-command.ts'
import { attemptSignIn, newPasskey } from '../support/passkeys.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { backdateUse } from '../support/sessions.ts'
import { addProvider, comeBack, cookieOf, newPerson } from '../support/social.ts'

const stage = useStage()

let receiver: Receiver
let identityProvider: IdentityProvider
beforeAll(async () => {
  receiver = await startReceiver()
  identityProvider = await startIdentityProvider()
})
afterAll(() => Promise.all([receiver.stop(), identityProvider.stop()]))

afterEach(() => stage().queue.take())

/** What the audit log is to say: whom the event is about, who did it, and some of its data. */
type Expected = { subject: string | null; actor: string | null; data?: Record<string, unknown> }

async function newPasskeyOwner(client: Client) {
  const { tokens } = await client.newAccount()
  return { tokens, ...(await client.plantedPasskey(tokens)) }
}

const byThemself = (id: string, data = {}): Expected => ({ subject: id, actor: id, data })
const byNobody = (subject: string | null, data = {}): Expected => ({ subject, actor: null, data })

async function changeApiKey(client: Client, path: string, options: CallOptions): Promise<Expected> {
  const { tokens } = await client.newAccount()
  const { id } = await client.plantedApiKey(tokens)
  await client.call(`/v1/api-keys/${id}${path}`, { ...options, bearer: tokens.access_token })
  return byThemself(tokens.user.id, { api_key_id: id, owner: 'user' })
}

/** `npm run users`, as an operator runs it. */
const operate = ({ tenant }: Client, ...words: string[]) =>
  runInProcess(usersCommand, stage().service.operator, [...words, '--tenant', tenant.slug, '--yes'])

/** Each flow has a tenant of its own. */
const FLOWS: Record<EventType, (client: Client) => Promise<Expected>> = {
  'user.registered': async (client) => {
    const { tokens } = await client.newAccount()
    return byThemself(tokens.user.id)
  },
  'user.updated': async (client) => {
    const { tokens } = await client.newAccount()
    await client.call('/v1/me', { method: 'PATCH', bearer: tokens.access_token, json: { name: 'Ada' } })
    return byThemself(tokens.user.id, { fields: ['name'] })
  },
  'user.disabled': async (client) => {
    const { tokens } = await client.newAccount()
    await operate(client, 'disable', tokens.user.id, '--reason', 'a court order')
    return byNobody(tokens.user.id, { session_ids: [tokens.session.id], reason: 'a court order' })
  },
  'user.enabled': async (client) => {
    const { tokens } = await client.newAccount()
    await operate(client, 'disable', tokens.user.id)
    await operate(client, 'enable', tokens.user.id)
    return byNobody(tokens.user.id)
  },
  'user.signed_out': async (client) => {
    const { tokens } = await client.newAccount()
    await operate(client, 'end-sessions', tokens.user.id)
    return byNobody(tokens.user.id, { session_ids: [tokens.session.id] })
  },
  'api_key.created': async (client) => {
    const { tokens } = await client.newAccount()
    const json = { name: 'Backup', scopes: ['orders:read'] }
    const { body } = await client.call<{ id: string }>('/v1/api-keys', { bearer: tokens.access_token, json })
    return byThemself(tokens.user.id, { api_key_id: body.id, owner: 'user', scopes: ['orders:read'] })
  },
  'api_key.renamed': (client) => changeApiKey(client, '', { method: 'PATCH', json: { name: 'Other' } }),
  'api_key.rotated': (client) => changeApiKey(client, '/rotate', { method: 'POST' }),
  'api_key.revoked': (client) => changeApiKey(client, '', { method: 'DELETE' }),
  'api_key.imported': async (client) => {
    const { tokens } = await client.newAdmin()
    const entry = { sha256: 'ab'.repeat(32), name: 'Old', scopes: ['orders:read'], user_id: tokens.user.id }
    const { body } = await client.call<{ results: { id: string }[] }>('/v1/admin/api-keys/import', {
      bearer: tokens.access_token,
      json: { keys: [entry] },
    })
    return byThemself(tokens.user.id, { api_key_id: body.results[0]?.id, owner: 'user' })
  },
  'api_key.expiring': async (client) => {
    const { tokens } = await client.newAccount()
    const { id } = await client.plantedApiKey(tokens)
    await stage().service.sql(
      `update api_keys set created_at = now() - interval '90 days', expires_at = now() + interval '3 days' where id = $1`,
      [id],
    )
    await stage().service.runCron('17 * * * *')
    return byNobody(tokens.user.id, { api_key_id: id, owner: 'user', expires_at: expect.any(String) })
  },
  'user.roles_changed': async (client) => {
    const { email, tokens } = await client.newAccount()
    await stage().service.sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    await runInProcess(adminsCommand, stage().service.operator, [
      ...['grant', email, '--tenant', client.tenant.slug],
    ])
    return byNobody(tokens.user.id, { granted: ['admin'], revoked: [] })
  },
  'tenant.updated': async (client) => {
    await runInProcess(tenantsCommand, stage().service.operator, [
      ...['set', client.tenant.slug, 'max_sessions=20'],
    ])
    return byNobody(null, { fields: ['max_sessions'] })
  },
  'user.deleted': async (client) => {
    const { tokens } = await closeNew(client)
    return byThemself(tokens.user.id, { session_ids: [tokens.session.id] })
  },
  'user.restored': async (client) => {
    const { tokens } = await closeNew(client)
    const { token } = await client.mailed('restore_account', tokens)
    await client.call('/v1/me/restore', { json: { token } })
    return byThemself(tokens.user.id)
  },
  'user.erased': async (client) => {
    const { tokens } = await closeNew(client)
    await stage().service.sql(`update users set deleted_at = now() - interval '31 days' where id = $1`, [
      tokens.user.id,
    ])
    await stage().service.runCron('17 * * * *')
    return byNobody(tokens.user.id)
  },
  'second_factor.added': async (client) => {
    const { tokens } = await client.newAccount()
    const { factorId, secret } = await client.withFactor(tokens, { isConfirmed: false })
    await client.call('/v1/mfa/totp/confirm', {
      bearer: tokens.access_token,
      json: { factor_id: factorId, code: codeAt(secret) },
    })
    return byThemself(tokens.user.id, { factor: 'totp', session_ids: [] })
  },
  'second_factor.removed': async (client) => {
    const { tokens } = await client.newAccount()
    await client.withFactor(tokens)
    await client.call('/v1/mfa/totp', { method: 'DELETE', bearer: tokens.access_token })
    return byThemself(tokens.user.id, { factor: 'totp', session_ids: [] })
  },
  'second_factor.removal_requested': async (client) => {
    const { tokens: admin } = await client.newAdmin()
    const { tokens } = await client.newAccount()
    await client.withFactor(tokens)
    await client.call(`/v1/admin/users/${tokens.user.id}/second-factor-removal`, {
      bearer: admin.access_token,
      json: { reason: 'lost the phone' },
    })
    return { subject: tokens.user.id, actor: admin.user.id, data: { reason: 'lost the phone' } }
  },
  'second_factor.removal_cancelled': async (client) => {
    const { tokens: admin } = await client.newAdmin()
    const { tokens } = await client.newAccount()
    await client.withFactor(tokens)
    const path = `/v1/admin/users/${tokens.user.id}/second-factor-removal`
    await client.call(path, { bearer: admin.access_token, json: { reason: 'lost the phone' } })
    await client.call(path, { method: 'DELETE', bearer: admin.access_token })
    return { subject: tokens.user.id, actor: admin.user.id, data: { by: 'administrator' } }
  },
  'second_factor.disabled': async (client) => {
    const { tokens } = await client.newAccount()
    const { mfaToken, secret } = await client.withFactor(tokens)
    const wrong = () => verifyMfa(client, { mfa_token: mfaToken }, wrongCode(secret))
    await wrong()
    await stage().service.sql('update sign_in_failures set consecutive_failures = 99 where tenant_id = $1', [
      client.tenant.id,
    ])
    await wrong()
    return byNobody(tokens.user.id)
  },
  'recovery_codes.replaced': async (client) => {
    const { tokens } = await client.newAccount()
    await client.withFactor(tokens)
    await client.call('/v1/mfa/recovery-codes', { method: 'POST', bearer: tokens.access_token })
    return byThemself(tokens.user.id)
  },
  'second_factor.code_requested': async (client) => {
    const { tokens } = await client.newAccount()
    const mfa_token = await client.mailableSignIn(tokens)
    await client.call('/v1/mfa/email-code', { json: { mfa_token } })
    return byNobody(tokens.user.id, { code_id: expect.any(String) })
  },
  'recovery_code.used': async (client) => {
    const { tokens } = await client.newAccount()
    const { mfaToken } = await client.withFactor(tokens)
    const made = await client.call<{ recovery_codes: string[] }>('/v1/mfa/recovery-codes', {
      method: 'POST',
      bearer: tokens.access_token,
    })
    await verifyMfa(client, { mfa_token: mfaToken }, made.body.recovery_codes[0] ?? '', 'recovery_code')
    return byThemself(tokens.user.id, { left: 9 })
  },
  'trusted_device.added': async (client) => {
    await stage().service.sql(
      `update tenants set settings = settings || '{"trusted_devices": true}' where id = $1`,
      [client.tenant.id],
    )
    const { tokens } = await client.newAccount()
    const { mfaToken, secret } = await client.withFactor(tokens)
    await client.call('/v1/mfa/verify', {
      json: { mfa_token: mfaToken, method: 'totp', code: codeAt(secret), trust_device: true },
    })
    const [device] = await stage().service.sql('select id from trusted_devices where user_id = $1', [
      tokens.user.id,
    ])
    return byThemself(tokens.user.id, { trusted_device_id: device?.id })
  },
  'trusted_device.removed': async (client) => {
    const { tokens } = await client.newAccount()
    const { id } = await client.plantedTrust(tokens)
    await client.call('/v1/mfa/trusted-devices', { method: 'DELETE', bearer: tokens.access_token })
    return byThemself(tokens.user.id, { trusted_device_ids: [id] })
  },
  'user.exported': async (client) => {
    const { tokens } = await client.newAccount()
    await client.call('/v1/me/export', { bearer: tokens.access_token })
    return byThemself(tokens.user.id, { session_id: tokens.session.id })
  },
  'user.imported': async (client) => {
    const { tokens } = await client.newAdmin()
    const json = { users: [{ email: newEmail() }] }
    const { body } = await client.call<{ results: { id: string }[] }>('/v1/admin/users/import', {
      bearer: tokens.access_token,
      json,
    })
    return { subject: body.results[0]?.id ?? null, actor: tokens.user.id }
  },
  'user.invited': async (client) => {
    const { tokens } = await client.newAdmin()
    const { tokens: guest } = await client.newAccount()
    const json = { email: guest.user.email }
    await client.call('/v1/admin/invitations', { bearer: tokens.access_token, json })
    const { id } = await client.mailed('invitation', guest)
    return { subject: guest.user.id, actor: tokens.user.id, data: { token_id: id } }
  },
  'user.registered_again': async (client) => {
    const { email, tokens } = await client.newAccount()
    const { sql } = stage().service
    await sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    await sql(`update tenants set settings = '{"registration":"verify-first"}' where id = $1`, [
      client.tenant.id,
    ])
    await client.register(email)
    return byNobody(tokens.user.id)
  },
  'email.verification_requested': async (client) => askFor(client, '/v1/email/resend', 'verify_email'),
  'email.sign_in_requested': async (client) => askFor(client, '/v1/email/code', 'sign_in'),
  'password.reset_requested': async (client) => askFor(client, '/v1/password/forgot', 'reset_password'),
  'email.verified': async (client) => {
    const { tokens } = await client.newAccount()
    const { token } = await client.plant('verify_email', tokens)
    await client.call('/v1/email/verify', { json: { token } })
    const session_ids = [tokens.session.id]
    return byThemself(tokens.user.id, { by: 'verify_email', password: 'removed', session_ids })
  },
  'email.change_requested': async (client) => {
    const { tokens } = await askToMove(client)
    const { id } = await client.mailed('change_email_old', tokens)
    return byThemself(tokens.user.id, { token_id: id })
  },
  'email.change_confirmation_requested': async (client) => {
    const { tokens } = await askToMove(client)
    const { id } = await client.mailed('change_email_new', tokens)
    return byThemself(tokens.user.id, { token_id: id })
  },
  'email.changed': async (client) => {
    const { tokens } = await askToMove(client)
    for (const purpose of ['change_email_old', 'change_email_new'] as const) {
      const { token } = await client.mailed(purpose, tokens)
      await client.call('/v1/email/change/confirm', { json: { token } })
    }
    const { id } = await client.mailed('revert_email', tokens)
    return byThemself(tokens.user.id, { token_id: id })
  },
  'email.reverted': async (client) => {
    const { tokens } = await client.newAccount()
    const { token } = await client.plant('revert_email', tokens, { subject: newEmail() })
    await client.call('/v1/email/change/revert', { json: { token } })
    return byThemself(tokens.user.id, { session_ids: [tokens.session.id] })
  },
  'password.changed': async (client) => {
    const { email, tokens } = await client.newAccount()
    const other = await client.signIn(email)
    const json = { current_password: PASSWORD, new_password: 'another battery staple' }
    await client.call('/v1/password/change', { bearer: tokens.access_token, json })
    return byThemself(tokens.user.id, { by: 'change', session_ids: [other.session.id] })
  },
  'session.confirmed': async (client) => {
    const { tokens } = await client.newAccount()
    const json = { password: PASSWORD }
    await client.call('/v1/password/confirm', { bearer: tokens.access_token, json })
    return byThemself(tokens.user.id, { session_id: tokens.session.id })
  },
  'token.refused': async (client) => {
    const json = { token: `lko_${'A'.repeat(43)}`, password: PASSWORD }
    await client.call('/v1/password/reset', { json })
    const operation = 'POST /v1/password/reset'
    return byNobody(null, { operation, code: 'invalid_one_time_token', reason: 'not alive' })
  },
  'session.started': async (client) => {
    const { tokens } = await client.newAccount()
    return byThemself(tokens.user.id, { session_id: tokens.session.id, amr: ['pwd'] })
  },
  'session.ended': async (client) => {
    const { tokens } = await client.newAccount()
    await client.logout(tokens.refresh_token)
    return byThemself(tokens.user.id, { session_id: tokens.session.id })
  },
  'session.revoked': async (client) => {
    const { email, tokens } = await client.newAccount()
    const other = await client.signIn(email)
    await client.call(`/v1/sessions/${tokens.session.id}`, { method: 'DELETE', bearer: other.access_token })
    return byThemself(tokens.user.id, { session_ids: [tokens.session.id], by_session: other.session.id })
  },
  'session.displaced': async (client) => {
    const { email, tokens } = await client.newAccount()
    await stage().service.sql(
      `update tenants set settings = settings || '{"max_sessions": 1}' where id = $1`,
      [client.tenant.id],
    )
    const newer = await client.signIn(email)
    return byThemself(tokens.user.id, { session_ids: [tokens.session.id], by_session: newer.session.id })
  },
  'session.reuse_detected': async (client) => {
    const { tokens } = await client.newAccount()
    const { body } = await client.refresh(tokens.refresh_token)
    await client.refresh(body.refresh_token)
    await client.refresh(tokens.refresh_token)
    return byNobody(tokens.user.id, { session_id: tokens.session.id, evidence: 'successor_used' })
  },
  'session.late_repeat': async (client) => {
    const { tokens } = await client.newAccount()
    await client.refresh(tokens.refresh_token)
    await backdateUse(stage().service, tokens.session.id, 3601)
    await client.refresh(tokens.refresh_token)
    return byNobody(tokens.user.id, { session_id: tokens.session.id })
  },
  'session.refused': async (client) => {
    const { email, tokens } = await client.newAccount()
    await client.login(email, WRONG)
    return byNobody(tokens.user.id, { operation: 'POST /v1/login', code: 'invalid_credentials' })
  },
  'registration.refused': async (client) => {
    const { email } = await client.newAccount()
    await client.register(email)
    return byNobody(null, { operation: 'POST /v1/register', code: 'email_taken' })
  },
  'refresh.refused': async (client) => {
    const { tokens } = await client.newAccount()
    await client.logout(tokens.refresh_token)
    await client.refresh(tokens.refresh_token)
    return byNobody(tokens.user.id, { code: 'invalid_grant', reason: 'signed_out' })
  },
  'access.refused': async (client) => {
    await client.me('no.valid.token')
    return byNobody(null, { operation: 'GET /v1/me', code: 'invalid_token' })
  },
  'limit.exceeded': async (client) => {
    const email = newEmail()
    await setFailures(stage().service, { tenant: client.tenant, email }, 4)
    await untilLimited(() => client.login(email, WRONG))
    return byNobody(null, { operation: 'POST /v1/login', code: 'rate_limited', limit: 'failures' })
  },
  'password.disabled': async (client) => {
    const { email, tokens } = await client.newAccount()
    await setFailures(stage().service, { tenant: client.tenant, email }, 99)
    await client.login(email, WRONG)
    return byNobody(tokens.user.id)
  },
  'passkey.added': async (client) => {
    const { tokens } = await client.newAccount()
    const { listed } = await newPasskey(client, tokens)
    return byThemself(tokens.user.id, { passkey_id: listed.id, backed_up: true })
  },
  'passkey.renamed': async (client) => {
    const { tokens, id } = await newPasskeyOwner(client)
    await client.call(`/v1/passkeys/${id}`, {
      method: 'PATCH',
      bearer: tokens.access_token,
      json: { name: 'Laptop' },
    })
    return byThemself(tokens.user.id, { passkey_id: id })
  },
  'passkey.removed': async (client) => {
    const { tokens, id } = await newPasskeyOwner(client)
    const other = await client.signIn(tokens.user.email)
    await client.call(`/v1/passkeys/${id}`, { method: 'DELETE', bearer: tokens.access_token })
    return byThemself(tokens.user.id, { passkey_id: id, session_ids: [other.session.id] })
  },
  'passkey.counter_went_back': async (client) => {
    const { tokens, id, passkey } = await newPasskeyOwner(client)
    await stage().service.sql('update passkeys set counter = 7 where id = $1', [id])
    await attemptSignIn(client, passkey, { counter: 7 })
    return byThemself(tokens.user.id, { passkey_id: id, refused: false })
  },
  'identity.linked': async (client) => {
    const { tokens, id, slug } = await newLinked(client)
    return byThemself(tokens.user.id, { identity_id: id, provider: slug, by: 'owner' })
  },
  'identity.unlinked': async (client) => {
    const { tokens } = await client.newAccount()
    const { id } = await client.plantedSocial.identity(tokens)
    await client.call(`/v1/identities/${id}`, { method: 'DELETE', bearer: tokens.access_token })
    return byThemself(tokens.user.id, { identity_id: id, provider: 'planted', session_ids: [] })
  },
  'provider.added': async (client) => {
    const { tokens } = await client.newAdmin()
    const json = { slug: 'hub', kind: 'github', name: 'GitHub', client_id: 'id', client_secret: 'secret' }
    await client.call('/v1/admin/providers', { bearer: tokens.access_token, json })
    return byAdmin(tokens, { provider: 'hub', kind: 'github' })
  },
  'provider.changed': async (client) => {
    const { tokens } = await client.newAdmin()
    const { id, slug } = await client.plantedSocial.provider()
    const change = { method: 'PATCH', bearer: tokens.access_token, json: { enabled: false } }
    await client.call(`/v1/admin/providers/${id}`, change)
    return byAdmin(tokens, { provider: slug, kind: 'github' })
  },
  'provider.removed': async (client) => {
    const { tokens } = await client.newAdmin()
    const { id, slug } = await client.plantedSocial.provider()
    await client.call(`/v1/admin/providers/${id}`, { method: 'DELETE', bearer: tokens.access_token })
    return byAdmin(tokens, { provider: slug, kind: 'github' })
  },
  'user.created': async (client) => {
    const { tokens } = await client.newAdmin()
    const json = { email: newEmail(), reason: 'asked by telephone' }
    const { body } = await client.call('/v1/admin/users', { bearer: tokens.access_token, json })
    return { subject: String(body.id), actor: tokens.user.id, data: { reason: 'asked by telephone' } }
  },
  'user.erasure_requested': async (client) => {
    const { tokens } = await client.newAdmin()
    const { id } = await client.plantedAccount({ status: 'closed' })
    const json = { reason: 'asked by letter' }
    await client.call(`/v1/admin/users/${id}/erase`, { bearer: tokens.access_token, json })
    return { subject: id, actor: tokens.user.id, data: json }
  },
  'password.reset_sent': async (client) => {
    const { tokens } = await client.newAdmin()
    const { id } = await client.plantedAccount()
    const json = { reason: 'asked by telephone' }
    await client.call(`/v1/admin/users/${id}/send-reset`, { bearer: tokens.access_token, json })
    return { subject: id, actor: tokens.user.id, data: json }
  },
  'session.impersonated': async (client) => {
    const { tokens } = await client.newAdmin()
    await client.allowingImpersonation()
    const { id } = await client.plantedAccount()
    const json = { user_id: id, reason: 'ticket 7' }
    await client.call('/v1/impersonations', { bearer: tokens.access_token, json })
    return { subject: id, actor: tokens.user.id, data: { reason: 'ticket 7' } }
  },
  'user.read': async (client) => {
    const { tokens } = await client.newAdmin()
    await client.call('/v1/admin/users?status=active', { bearer: tokens.access_token })
    return byAdmin(tokens, { filters: ['status'] })
  },
  'audit.read': async (client) => {
    const { tokens } = await client.newAdmin()
    await client.call('/v1/admin/audit-events?type=session.*', { bearer: tokens.access_token })
    return byAdmin(tokens, { format: 'json', filters: ['type'] })
  },
  'webhook.created': async (client) => {
    const { tokens } = await client.newAdmin()
    const json = { url: 'http://127.0.0.1:9/mine', events: ['*'] }
    const { body } = await client.call('/v1/webhooks', { bearer: tokens.access_token, json })
    return byAdmin(tokens, { endpoint_id: body.id })
  },
  'webhook.updated': async (client) => {
    const { tokens, id, path } = await newEndpoint(client)
    const json = { description: 'Ours' }
    await client.call(path, { method: 'PATCH', bearer: tokens.access_token, json })
    return byAdmin(tokens, { endpoint_id: id, fields: ['description'] })
  },
  'webhook.deleted': async (client) => {
    const { tokens, id, path } = await newEndpoint(client)
    await client.call(path, { method: 'DELETE', bearer: tokens.access_token })
    return byAdmin(tokens, { endpoint_id: id })
  },
  'webhook.secret_rotated': async (client) => {
    const { tokens, id, path } = await newEndpoint(client)
    await client.call(`${path}/rotate-secret`, { method: 'POST', bearer: tokens.access_token })
    return byAdmin(tokens, { endpoint_id: id })
  },
  'webhook.replayed': async (client) => {
    const { tokens, id, path } = await newEndpoint(client)
    await client.call(`${path}/deliveries/${id}/replay`, { method: 'POST', bearer: tokens.access_token })
    return byAdmin(tokens, { endpoint_id: id, deliveries: 1 })
  },
  'webhook.delivery_dead': async (client) => {
    const id = await deliverLastTime(client, 500)
    return byNobody(null, { endpoint_id: id, delivery_id: id, event_id: id })
  },
  'webhook.deliveries_expired': async (client) => {
    const id = await newEndpointWith(client, {
      status: 204,
      columns: `expires_at = now() - interval '1 minute'`,
    })
    await stage().service.runCron('* * * * *')
    return byNobody(null, { endpoint_id: id, deliveries: 1 })
  },
  'webhook.disabled': async (client) => {
    const id = await deliverLastTime(client, 410)
    return byNobody(null, { endpoint_id: id, reason: 'gone' })
  },
}

/** An account whose owner has closed it. */
async function closeNew(client: Client) {
  const account = await client.newAccount()
  await client.call('/v1/me', { method: 'DELETE', bearer: account.tokens.access_token })
  return account
}

/** A mail that anyone may ask for by an address. */
async function askFor(client: Client, path: string, purpose: OneTimePurpose): Promise<Expected> {
  const { email, tokens } = await client.newAccount()
  await client.call(path, { json: { email } })
  const { id } = await client.mailed(purpose, tokens)
  return byNobody(tokens.user.id, { token_id: id })
}

/** An account whose owner has asked for another address. */
async function askToMove(client: Client) {
  const account = await client.newAccount()
  const json = { email: newEmail() }
  await client.call('/v1/email/change', { bearer: account.tokens.access_token, json })
  return account
}

/** About no one's account, by an administrator. */
const byAdmin = ({ user }: Pick<Tokens, 'user'>, data: Record<string, unknown>): Expected => ({
  subject: null,
  actor: user.id,
  data,
})

/** An owner who has linked a provider. */
async function newLinked(client: Client) {
  const { tokens } = await client.newAdmin()
  await stage().service.sql(
    `update tenants set settings = settings || '{"redirect_uris": ["com.example.app:/back"]}' where id = $1`,
    [client.tenant.id],
  )
  await addProvider(client, tokens.access_token, { issuer: identityProvider.issuer })
  const json = { redirect_uri: 'com.example.app:/back' }
  const { body, headers } = await client.call<{ authorization_url: string }>('/v1/oauth/idp/link', {
    bearer: tokens.access_token,
    json,
  })
  await comeBack(client, identityProvider.consent(body.authorization_url, newPerson()), cookieOf(headers))
  const { body: list } = await client.call<{ data: { id: string }[] }>('/v1/identities', {
    bearer: tokens.access_token,
  })
  return { tokens, id: list.data[0]?.id, slug: 'idp' }
}

/** The endpoint that comes with an administrator. */
async function newEndpoint(client: Client) {
  const { tokens } = await client.newAdmin()
  return { tokens, id: tokens.session.id, path: `/v1/webhooks/${tokens.session.id}` }
}

/** The attempt after which there is no other, at a receiver that answers `status`. @returns the endpoint's id */
async function deliverLastTime(client: Client, status: number): Promise<string> {
  const id = await newEndpointWith(client, { status, columns: 'attempts = 7' })
  await stage().service.queue('latchkey-deliveries', [{ endpoint_id: id }])
  return id
}

/** An endpoint that answers with this status, and a delivery of its id that waits for it. */
async function newEndpointWith(client: Client, { status, columns }: { status: number; columns: string }) {
  const { service } = stage()
  const { tokens } = await client.newAdmin()
  const json = { url: receiver.url(`/${status}`), events: ['*'] }
  const { body } = await client.call<{ id: string }>('/v1/webhooks', { bearer: tokens.access_token, json })
  receiver.behave(`/${status}`, { status })
  await service.sql(
    `insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload)
     values ($1, $2, $1, $1, 'user.updated', '{}')`,
    [body.id, client.tenant.id],
  )
  await service.sql(`update webhook_deliveries set ${columns} where id = $1`, [body.id])
  return body.id
}

test('every event has a flow', () => {
  expect(Object.keys(FLOWS).toSorted()).toEqual(Object.keys(EVENTS).toSorted())
})

describe.each(Object.keys(FLOWS) as EventType[])('%s', (type) => {
  test('is in the audit log after its flow, with what the catalogue says', async () => {
    const client = await newClient(stage().service)
    const { subject, actor, data = {} } = await FLOWS[type](client)
    const found = await vi.waitFor(() => audited(client, type, subject), 60_000)
    expect(found).toMatchObject({ subject, actor, data })
    const entry: EventEntry = EVENTS[type]
    for (const name of Object.keys(found.data)) expect(Object.keys(entry.carries)).toContain(name)
  })
})

async function audited({ tenant }: Client, type: EventType, subject: string | null): Promise<AuditEvent> {
  await stage().settle()
  const rows = await stage().audited(tenant)
  const row = rows.find((one) => one.type === type && one.subject === subject)
  if (!row) throw new Error(`${type} is not in the audit log, only ${rows.map((one) => one.type).join(', ')}`)
  return row
}

test('a wrong password that was the hundredth is refused for good, and says so once', async () => {
  const client = await newClient(stage().service)
  const { email, tokens } = await client.newAccount()
  await setFailures(stage().service, { tenant: client.tenant, email }, 99)
  // Those that come while the hundredth is being counted find the password disabled, and say nothing of it.
  await race(10, () => client.login(email, WRONG))
  expect((await client.login(email, PASSWORD)).status).toBe(403)
  await client.login(email, WRONG)
  const rows = await stage().service.sql(
    `select id from events where type = 'password.disabled' and subject = $1`,
    [tokens.user.id],
  )
  expect(rows).toHaveLength(1)
})
