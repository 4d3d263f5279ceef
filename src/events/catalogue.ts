/**
 * Every event that Latchkey records: its meaning, the members of its `data`, who may read it, and whether webhooks may
 * subscribe. `npm run docs` prints it into docs/events.md; test/events/catalogue.test.ts requires each in the audit log.
 * No event has a token, a password, a key or an email address: `data` has only the members of `carries`.
 */

/** Who may read an event about an account: the person themself, or only the tenant's administrators. */
export type Audience = 'person' | 'admin'

export type EventEntry = {
  says: string
  /** The members that `data` may have, and their meaning. */
  carries: Readonly<Record<string, string>>
  visibleTo: Audience
  /** Whether a webhook may subscribe. Attempts are not delivered, because an attacker could then make us send traffic. */
  webhook: boolean
  /**
   * `change`: written by the statement that makes the change. `attempt`: nothing changed, so it only goes to the queue.
   * `attempt, once a minute`: sampled, because they are cheap for the caller; one per location, operation, code, account
   * and network.
   */
  origin: 'change' | 'attempt' | 'attempt, once a minute'
}

const session = { session_id: 'the session' }
const passkey = { passkey_id: 'the passkey' }
const identity = { identity_id: 'the identity', provider: 'the slug of the provider' }
const provider = { provider: 'its slug', kind: 'its kind' }
const trustedDevice = { trusted_device_id: 'the trusted device' }
const apiKey = { api_key_id: 'the key', owner: '`user` or `tenant`' }
const endpoint = { endpoint_id: 'the endpoint' }
const refusal = {
  operation: 'the operation, e.g. `POST /v1/login`',
  code: 'the error code of the answer (src/problem.ts)',
  reason: 'why it was refused, when the answer does not say',
  times: 'the number of attempts, when more than one: attempts without an account are sampled',
}

const token = { token_id: 'the id of the mailed link; it is not the token' }
/** Sampled, where the address has no account. */
const requested = { ...token, operation: 'the operation, when there is no subject', times: refusal.times }
const counted = {
  session_count: 'the number of sessions (a lower bound), when there are more than the hundred listed',
}
const reason = { reason: 'what the administrator or operator gave as the reason' }
const ended = { session_ids: 'the sessions that ended, newest first', ...counted }

export const EVENTS = {
  'tenant.updated': {
    says: 'The tenant itself was changed: its settings, its hosts or the origins that it allows.',
    carries: { fields: 'the names of the changed fields', ...reason },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'user.registered': {
    says: 'An account was created.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.created': {
    says: 'An administrator created an account.',
    carries: reason,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.updated': {
    says: 'An account was updated, by its user or by an administrator.',
    carries: { fields: 'the names of the changed fields' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.disabled': {
    says: 'An administrator or an operator disabled an account: it cannot sign in, refresh or call, and its sessions ended. Without an actor it was an operator.',
    carries: { ...ended, ...reason },
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'user.enabled': {
    says: 'An administrator or an operator enabled an account that was disabled.',
    carries: reason,
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'user.signed_out': {
    says: 'An administrator or an operator ended every session of an account.',
    carries: { ...ended, ...reason },
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'user.roles_changed': {
    says: 'A role was granted to a person, or taken away. Access tokens carry it from the next refresh on; operations of administrators read it at once.',
    carries: {
      granted: 'the roles that were granted',
      revoked: 'the roles that were taken away',
      ...reason,
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.read': {
    says: 'An administrator listed accounts, or read the one that is the subject.',
    carries: { filters: 'the names of the filters of a list' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt',
  },
  'user.registered_again': {
    says: 'A registration used an email address that already has an account. Its owner is notified by email.',
    carries: {},
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'user.imported': {
    says: 'An account was imported.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.invited': {
    says: 'An administrator invited a person. The account becomes active when they accept.',
    carries: token,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'user.deleted': {
    says: 'An account was closed, by its owner, by an administrator, or because its email was not verified in time. No one can sign in to it, and its personal data is erased later.',
    carries: {
      ...token,
      ...ended,
      erased_after: 'when its personal data will be erased',
      reason: '`unproved`, when the email was not verified in time; what an administrator gave as the reason',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.restored': {
    says: 'A closed account was restored, by its owner or by an administrator.',
    carries: reason,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.erasure_requested': {
    says: 'An administrator had a closed account erased within the hour. Nothing restores it.',
    carries: reason,
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'user.erased': {
    says: 'The personal data of a closed account was erased. Only its id is left.',
    carries: {},
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'user.exported': {
    says: 'A user exported their data.',
    carries: session,
    visibleTo: 'person',
    webhook: false,
    origin: 'attempt',
  },
  'email.verification_requested': {
    says: 'A verification email was requested. There is no subject when no account waits for verification of that address.',
    carries: requested,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'email.verified': {
    says: 'An email was verified for the first time. Earlier credentials and sessions were removed, unless the same person knew the password or used the browser that registered.',
    carries: {
      by: '`verify_email`, `reset_password`, `sign_in`, `invitation`, `social`: a provider has proved it, or `administrator`: one has said so',
      ...reason,
      ...ended,
      password: '`kept`, `removed`, `set` or `none`',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'email.change_requested': {
    says: 'A user requested a change of email. The old address was asked to confirm.',
    carries: token,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'email.change_confirmation_requested': {
    says: 'The new address of a change of email was asked to confirm.',
    carries: token,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'email.changed': {
    says: 'The email was changed, after both addresses confirmed. The old address can undo it for 72 hours.',
    carries: token,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'email.reverted': {
    says: 'The old address undid a change of email. The account has the old email again, and all credentials and sessions were removed.',
    carries: ended,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'email.sign_in_requested': {
    says: 'A sign-in code was requested by email. There is no subject when no account has this email address.',
    carries: requested,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'password.reset_requested': {
    says: 'A password reset was requested. There is no subject when no account has this email address.',
    carries: requested,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'password.reset_sent': {
    says: 'An administrator had a link mailed to a person, by which they choose a new password.',
    carries: { ...token, ...reason },
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'password.changed': {
    says: 'A password was changed.',
    carries: { by: '`change`, `reset`, `invitation` or `verify_email`', ...ended },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.added': {
    says: 'A second factor was added or replaced. The other sessions of the account ended.',
    carries: {
      factor: '`totp` or `passkey`',
      passkey_id: 'the passkey, where it is one',
      ...ended,
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.removed': {
    says: 'A second factor was removed. The other sessions of the account ended.',
    carries: {
      factor: '`totp` or `passkey`; `all` after a removal that an administrator asked for',
      by: '`administrator`, where one asked for it; else it was the owner',
      ...ended,
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.removal_requested': {
    says: 'An administrator asked to remove the second factors of an owner who lost them. The removal waits, and the owner is told by email.',
    carries: {
      removal_id: 'the id of the removal',
      due_at: 'when it is carried out, unless the owner uses a second factor before',
      reason: 'the reason that the administrator gave',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.removal_cancelled': {
    says: 'A removal of second factors was cancelled.',
    carries: {
      removal_id: 'the id of the removal',
      by: '`administrator`, or `factor`: the owner used one, so it is not lost',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.disabled': {
    says: 'Codes of the authenticator app were disabled after a hundred wrong codes in a row. A recovery code enables them again; so does a removal by an administrator.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.code_requested': {
    says: 'A user passed the first factor and asked for a code by email for the second step.',
    carries: { code_id: 'the id of the mailed code; it is not the code' },
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'recovery_codes.replaced': {
    says: 'Recovery codes were replaced. The old ones no longer work.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'recovery_code.used': {
    says: 'A recovery code was used as second factor.',
    carries: { left: 'the number of codes left' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'trusted_device.added': {
    says: 'A user chose to trust a browser: signing in from it needs no second factor for 30 days.',
    carries: trustedDevice,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'trusted_device.removed': {
    says: 'A user removed trusted browsers.',
    carries: { trusted_device_ids: 'the removed devices' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.confirmed': {
    says: 'A signed-in user authenticated again with the password, a second factor or at a provider (RFC 9470).',
    carries: session,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'session.started': {
    says: 'A user signed in.',
    carries: {
      ...session,
      amr: 'authentication methods (RFC 8176)',
      trusted_device_id: 'the trusted device, when the second factor was skipped because of it',
      new_device: 'whether the account was used before, but not from this kind of device and country',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.impersonated': {
    says: 'An administrator acts as the person, for at most 30 minutes, and cannot change the account. The person is notified by email.',
    carries: { ...session, ...reason },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.ended': {
    says: 'A user signed out.',
    carries: session,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.revoked': {
    says: 'A user ended sessions from another session.',
    carries: {
      session_ids: 'the sessions that ended, newest first',
      ...counted,
      by_session: 'the session that ended them',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.displaced': {
    says: 'A new session exceeded the limit of the account, so the oldest sessions ended.',
    carries: { session_ids: 'the sessions that ended, at most ten', by_session: 'the new session' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.reuse_detected': {
    says: 'A refresh token was used twice, so it may be stolen. The session ended (RFC 9700 §4.14).',
    carries: {
      ...session,
      evidence:
        '`successor_used`: the successor token was already used; `other_device`: the second use came from another device',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.late_repeat': {
    says: 'A used refresh token was sent again, too late or from another place, before its successor was used. Either the answer was lost or the token was copied. The session ended.',
    carries: session,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.refused': {
    says: 'A sign-in was refused. The subject is the account, when there is one.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt',
  },
  'token.refused': {
    says: 'A link or code was refused: used, expired, replaced or invalid.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'registration.refused': {
    says: 'A registration or change was refused, because the email is taken or the password is compromised.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt',
  },
  'refresh.refused': {
    says: 'A refresh token was refused.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'access.refused': {
    says: 'A request was refused: invalid access token, insufficient role, origin not allowed, or invalid Latchkey-Caller header.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'limit.exceeded': {
    says: 'A rate limit was exceeded.',
    carries: { ...refusal, limit: 'the subject of the limit: address, account, session, …' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'password.disabled': {
    says: 'Password sign-in was disabled after a hundred failed attempts in a row, until the password is reset.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'passkey.added': {
    says: 'A passkey was added.',
    carries: { ...passkey, backed_up: 'whether it is synchronised to other devices' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'passkey.renamed': {
    says: 'A passkey was renamed.',
    carries: passkey,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'passkey.removed': {
    says: 'A passkey was removed. Every other session ended.',
    carries: { ...passkey, ...ended },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'passkey.counter_went_back': {
    says: 'The signature counter of a passkey did not increase, so it may have been cloned. The sign-in was refused, unless the passkey is backed up.',
    carries: { ...passkey, refused: 'whether the sign-in was refused' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'identity.linked': {
    says: 'A person can sign in with a provider from now on.',
    carries: {
      ...identity,
      by: '`register`: with a new account, `sign_in`: by an address that both sides have proved, `owner`: while signed in',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'identity.unlinked': {
    says: 'A person took a provider away; every other session ended.',
    carries: { ...identity, ...ended },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'provider.added': {
    says: 'An administrator added a provider that people may sign in with.',
    carries: provider,
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'provider.changed': {
    says: 'An administrator changed a provider.',
    carries: provider,
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'provider.removed': {
    says: 'An administrator removed a provider; no one signs in with it any more.',
    carries: provider,
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'audit.read': {
    says: 'An administrator read the audit log.',
    carries: { format: '`json` or `ndjson`', filters: 'the names of the filters' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt',
  },
  'api_key.created': {
    says: 'An API key was made, of a person or of the tenant.',
    carries: { ...apiKey, scopes: 'what it may be used for', expires_at: 'until when, where it ends' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'api_key.renamed': {
    says: 'An API key was given another name.',
    carries: apiKey,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'api_key.rotated': {
    says: 'An API key was replaced; the one before counts for a while.',
    carries: apiKey,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'api_key.revoked': {
    says: 'An API key was revoked. It counts for nothing since then.',
    carries: apiKey,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'api_key.imported': {
    says: 'An API key of another system was imported, by its hash.',
    carries: apiKey,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'api_key.expiring': {
    says: 'An API key ends within a week. Its owner or, of a key of the tenant, the administrators are notified by email.',
    carries: { ...apiKey, expires_at: 'when it ends' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'webhook.created': {
    says: 'A webhook endpoint was created.',
    carries: endpoint,
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.updated': {
    says: 'A webhook endpoint was updated.',
    carries: { ...endpoint, fields: 'the names of the changed fields' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.deleted': {
    says: 'A webhook endpoint and its deliveries were deleted.',
    carries: endpoint,
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.secret_rotated': {
    says: 'The secret of a webhook endpoint was rotated. The old secret also signs for one more day.',
    carries: endpoint,
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.replayed': {
    says: 'Deliveries were replayed.',
    carries: { ...endpoint, deliveries: 'the number of deliveries' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.delivery_dead': {
    says: 'A delivery failed for the last time. The administrators are notified by email.',
    carries: { ...endpoint, delivery_id: 'the delivery', event_id: 'the event' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.deliveries_expired': {
    says: 'Deliveries expired after three days, because the endpoint did not answer. The administrators are notified by email.',
    carries: { ...endpoint, deliveries: 'the number of deliveries' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.disabled': {
    says: 'A webhook endpoint was disabled, because it answered 410 Gone or every delivery of five days failed. The administrators are notified by email.',
    carries: { ...endpoint, reason: '`gone` or `failing`' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
} as const satisfies Record<string, EventEntry>

export type EventType = keyof typeof EVENTS

/** The types with this origin. */
type Of<Origin> = {
  [Type in EventType]: (typeof EVENTS)[Type]['origin'] extends Origin ? Type : never
}[EventType]
export type ChangeType = Of<'change'>
export type AttemptType = Exclude<EventType, ChangeType>

export const isEventType = (type: string): type is EventType => Object.hasOwn(EVENTS, type)

/** Only the members of `data` that the catalogue names for the type. */
export function carriedBy(type: EventType, data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).filter(([name]) => Object.hasOwn(EVENTS[type].carries, name)),
  )
}

/** The events that webhooks may subscribe to. */
export const WEBHOOK_EVENTS = Object.entries(EVENTS).flatMap(
  ([type, { webhook }]) => (webhook ? [type as EventType] : []), // Object.entries forgets the keys' type
)

/** Where a request came from, as far as the edge knows. Personal data, so it is sealed where it is stored for long. */
export type EventClient = {
  request_id: string | null
  address: string | null
  country: string | null
  city: string | null
  network: string | null
  user_agent: string | null
  /** The API key that did it, where it was one. */
  api_key_id?: string
}

/** An event as the consumer hands it on. */
export type Happened = {
  id: string
  tenantId: string
  type: EventType
  /** The account it is about. */
  subject: string | null
  /** The account that did it; null when that is not known. */
  actor: string | null
  data: Record<string, unknown>
  client: EventClient
  occurredAt: Date
}
