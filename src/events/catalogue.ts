/**
 * Every event that Latchkey records, once: what it says, what it carries, who may see it, and whether webhooks may
 * subscribe. `npm run docs` prints it into EVENTS.md; test/events/catalogue.test.ts wants each seen in the audit log.
 * No event carries a token, a password, a key or an e-mail address: what is not named under `carries` is not stored.
 */

/** Who may read an event about an account: the person themself, or only the tenant's administrators. */
export type Audience = 'person' | 'admin'

export type EventEntry = {
  says: string
  /** The names that `data` may have, and what they hold. */
  carries: Readonly<Record<string, string>>
  visibleTo: Audience
  /** Whether a webhook may subscribe. Attempts are not delivered: whoever fails on purpose would choose our traffic. */
  webhook: boolean
  /**
   * `change`: written by the statement that makes it so. `attempt`: nothing changed, so it goes to the queue alone.
   * `attempt, once a minute`: the cheap and endless ones; one per location, operation, code, account and network.
   */
  origin: 'change' | 'attempt' | 'attempt, once a minute'
}

const session = { session_id: 'the session' }
const passkey = { passkey_id: 'the passkey' }
const endpoint = { endpoint_id: 'the endpoint' }
const refusal = {
  operation: 'what was asked for, e.g. `POST /v1/login`',
  code: 'the code of the answer (src/problem.ts)',
  reason: 'what the answer does not say, where it is known',
  times: 'for how many attempts it is told, when more than one: those at no account are sampled',
}

const token = { token_id: 'the row of the link that is mailed; it opens nothing' }
/** Sampled, where the address has no account. */
const requested = { ...token, operation: 'as of an attempt, without a subject', times: refusal.times }
const counted = { session_count: 'how many at least, where they are more than the hundred that are named' }
const ended = { session_ids: 'the sessions that ended with it, the newest', ...counted }

export const EVENTS = {
  'user.registered': {
    says: 'An account was made.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.updated': {
    says: 'A person changed their own account.',
    carries: { fields: 'the names of what changed' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.registered_again': {
    says: 'Somebody registered an address that has an account; its owner is told by mail.',
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
    says: 'An administrator invited somebody; the account is there once they accept.',
    carries: token,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'user.deleted': {
    says: 'An account was closed, by its owner or because nobody proved its address. Nothing opens it; what is personal is erased later.',
    carries: {
      ...token,
      ...ended,
      erased_after: 'when its personal data will be erased',
      reason: '`unproved`, where nobody proved the address in time',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.restored': {
    says: 'A person took back that they had closed their account.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'user.erased': {
    says: 'What was personal in a closed account is gone; its id is all that is left.',
    carries: {},
    visibleTo: 'admin',
    webhook: true,
    origin: 'change',
  },
  'user.exported': {
    says: 'A person took a copy of everything that is held about them.',
    carries: session,
    visibleTo: 'person',
    webhook: false,
    origin: 'attempt',
  },
  'email.verification_requested': {
    says: 'A link that proves an address was asked for. Without a subject: nobody who needs one has that address.',
    carries: requested,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'email.verified': {
    says: 'An address was proved for the first time. What had opened the account before is gone, unless the same person knew the password or used the browser that registered.',
    carries: {
      by: '`verify_email`, `reset_password`, `sign_in` or `invitation`',
      ...ended,
      password: '`kept`, `removed`, `set` or `none`',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'email.change_requested': {
    says: 'A person asked for another address. The address they have is asked to confirm it.',
    carries: token,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'email.change_confirmation_requested': {
    says: 'The new address of a change is asked to confirm it.',
    carries: token,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'email.changed': {
    says: 'Both addresses confirmed, so the account has the new one. The old one has 72 hours to undo it.',
    carries: token,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'email.reverted': {
    says: 'The old address undid a change: the account has it again, and whatever had opened the account is gone.',
    carries: ended,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'email.sign_in_requested': {
    says: 'A code and a link for signing in were asked for. Without a subject: no account has that address.',
    carries: requested,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'password.reset_requested': {
    says: 'A link that sets a new password was asked for. Without a subject: no account has that address.',
    carries: requested,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'password.changed': {
    says: 'An account has a new password.',
    carries: { by: '`change`, `reset`, `invitation` or `verify_email`', ...ended },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.added': {
    says: 'An account has a second factor, or another one in its place; its other sessions ended.',
    carries: { factor: '`totp`', ...ended },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.removed': {
    says: 'A second factor was taken away; the other sessions of the account ended.',
    carries: { factor: '`totp`', ...ended },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'second_factor.disabled': {
    says: 'A hundred wrong codes in a row: no second factor of the account is asked for until an administrator resets it.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'recovery_codes.replaced': {
    says: 'An account has new recovery codes; the old ones are void.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'recovery_code.used': {
    says: 'A recovery code stood in for a second factor.',
    carries: { left: 'how many codes are left' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.confirmed': {
    says: 'Someone who was signed in gave the password or a second factor again (RFC 9470).',
    carries: session,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'session.started': {
    says: 'Somebody signed in.',
    carries: {
      ...session,
      amr: 'authentication methods (RFC 8176)',
      new_device: 'whether the account has been used before, and never from such a device and country',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.ended': {
    says: 'Somebody signed out.',
    carries: session,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.revoked': {
    says: 'Sessions were ended from another one.',
    carries: {
      session_ids: 'the sessions that ended, the newest',
      ...counted,
      by_session: 'the session that ended them',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.displaced': {
    says: 'A session began of an account that had as many as it may have: the oldest ended.',
    carries: { session_ids: 'the sessions that ended, at most ten', by_session: 'the session that began' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.reuse_detected': {
    says: 'A refresh token was used twice, so one of the two was a thief: the session is over (RFC 9700 §4.14).',
    carries: {
      ...session,
      evidence:
        '`successor_used`: what the first use gave had been used; `other_device`: another device came second',
    },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.late_repeat': {
    says: 'A used refresh token came again, too late or from elsewhere, before its successor was used: the answer was lost, or the token copied, and nothing tells which. The session is over.',
    carries: session,
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'session.refused': {
    says: 'Somebody was not signed in. The subject is the account, where there is one.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt',
  },
  'token.refused': {
    says: 'A link or a code was not honoured: used, expired, superseded, or made up.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'registration.refused': {
    says: 'An address was not given to an account, because another has it; or a password is a known one.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt',
  },
  'refresh.refused': {
    says: 'A refresh token was not honoured.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'access.refused': {
    says: 'A call was refused: no valid token, not the role for it, a foreign page, or a bad Latchkey-Caller header.',
    carries: refusal,
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'limit.exceeded': {
    says: 'A limit was reached.',
    carries: { ...refusal, limit: 'whose: address, account, session, …' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'attempt, once a minute',
  },
  'password.disabled': {
    says: 'A hundred failed attempts in a row: the password is no way in until it has been reset.',
    carries: {},
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'passkey.added': {
    says: 'A person added a passkey to their account.',
    carries: { ...passkey, backed_up: 'whether it is copied to other devices of theirs' },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'passkey.renamed': {
    says: 'A person gave a passkey another name.',
    carries: passkey,
    visibleTo: 'person',
    webhook: false,
    origin: 'change',
  },
  'passkey.removed': {
    says: 'A person took a passkey away; every other session ended.',
    carries: { ...passkey, ...ended },
    visibleTo: 'person',
    webhook: true,
    origin: 'change',
  },
  'passkey.counter_went_back': {
    says: 'A passkey counted fewer uses than before: its key may have been copied. Where it is backed up, copies count by themselves, and the sign-in went on.',
    carries: { ...passkey, refused: 'whether the sign-in was refused' },
    visibleTo: 'person',
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
  'webhook.created': {
    says: 'A webhook endpoint was made.',
    carries: endpoint,
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.updated': {
    says: 'A webhook endpoint was changed.',
    carries: { ...endpoint, fields: 'the names of what changed' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.deleted': {
    says: 'A webhook endpoint was deleted, and its deliveries with it.',
    carries: endpoint,
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.secret_rotated': {
    says: 'A webhook endpoint has a new secret; the one before it goes on signing for a day.',
    carries: endpoint,
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.replayed': {
    says: 'Deliveries were asked for again.',
    carries: { ...endpoint, deliveries: 'how many' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.delivery_dead': {
    says: 'A delivery failed for the last time; the administrators are told by mail.',
    carries: { ...endpoint, delivery_id: 'the delivery', event_id: 'the event it was to tell' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.deliveries_expired': {
    says: 'Deliveries waited for three days for an endpoint that did not answer, and are dead; the administrators are told by mail.',
    carries: { ...endpoint, deliveries: 'how many' },
    visibleTo: 'admin',
    webhook: false,
    origin: 'change',
  },
  'webhook.disabled': {
    says: 'An endpoint answered 410 Gone, or has only failed for five days, and gets nothing more; the administrators are told by mail.',
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

/** `data` without whatever the catalogue does not name for the type. */
export function carriedBy(type: EventType, data: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).filter(([name]) => Object.hasOwn(EVENTS[type].carries, name)),
  )
}

/** What webhooks may subscribe to, e.g. for the schema of an endpoint. */
export const WEBHOOK_EVENTS = Object.entries(EVENTS).flatMap(
  ([type, { webhook }]) => (webhook ? [type as EventType] : []), // Object.entries forgets the keys' type
)

/** Where something came from, as far as the edge knows; personal, so it is sealed wherever it is kept for long. */
export type EventClient = {
  request_id: string | null
  address: string | null
  country: string | null
  city: string | null
  network: string | null
  user_agent: string | null
}

/** An event as the consumer hands it on. */
export type Happened = {
  id: string
  tenantId: string
  type: EventType
  /** The account it is about. */
  subject: string | null
  /** The account that did it; null when nobody is known to have. */
  actor: string | null
  data: Record<string, unknown>
  client: EventClient
  occurredAt: Date
}
