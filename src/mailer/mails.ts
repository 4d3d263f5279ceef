/**
 * Which events are mailed, to whom, and as long as what is true. One row for each; a new mail is a row here and its texts
 * in every language (src/mailer/languages/).
 */

import type { ChangeType, EventType, Happened } from '../events/catalogue.ts'
import { type LinkMail, type OneTimePurpose, PURPOSES } from '../one-time/purposes.ts'

/** Mails without a link. */
export type NoticeTemplate =
  | 'registered_again'
  | 'email_reverted'
  | 'password_changed'
  | 'password_disabled'
  | 'second_factor_added'
  | 'second_factor_removed'
  | 'second_factor_removal_requested'
  | 'second_factor_removal_cancelled'
  | 'second_factor_disabled'
  | 'second_factor_code'
  | 'recovery_codes_replaced'
  | 'recovery_code_used'
  | 'trusted_device_added'
  | 'passkey_added'
  | 'passkey_removed'
  | 'identity_linked'
  | 'identity_unlinked'
  | 'sessions_revoked'
  | 'session_ended'
  | 'session_not_continued'
  | 'new_device'
  | 'impersonated'
  | 'account_restored'
  | 'delivery_dead'
  | 'endpoint_disabled'
  | 'api_key_expiring'

/** The person whom the event is about, every administrator of the tenant, or these where it is about no one; store.ts has the SQL of each. */
export type Recipients = 'subject' | 'admins' | 'subject_or_admins'

/** What must be so at the moment of sending, else the mail is `superseded`; store.ts has the SQL of each. */
export type Condition =
  | 'always'
  | 'same_password'
  | 'code_usable'
  | 'endpoint_not_told'
  | 'endpoint_disabled'
  | 'api_key_counts'

/** What a mail lists besides its sentences, as far as it is known. */
export type Fact =
  | 'time'
  | 'device'
  | 'place'
  | 'account'
  | 'until'
  | 'due'
  | 'endpoint'
  | 'api_key'
  | 'api_key_ends'

type Common = {
  to: Recipients
  /** Only what is not about security can be turned off (`users.operational_mail`). */
  kind: 'security' | 'operational'
  facts: readonly Fact[]
  /** Which events of the type are mailed, by their data; all of them, unless given. */
  only?: (data: Record<string, unknown>) => boolean
  /** Whether an account gets it so often at most (MAIL_LIMIT). */
  isLimited?: true
}

type Notice = Common & { template: NoticeTemplate; while: Condition; link?: undefined }

/** Goes to the address of the event's token, and as long as that token can be used. */
type WithLink = Common & { template: LinkMail; link: OneTimePurpose; to: 'subject' }

export type MailEntry = Notice | WithLink

const security = { to: 'subject', kind: 'security' } as const
/** The mail that carries the token of a purpose. */
const linked = (link: OneTimePurpose) => ({ ...security, link, template: PURPOSES[link].mail })
const notice = { ...security, while: 'always', facts: ['time', 'device', 'place'] } as const
/** Anyone who knows an address can ask for it. */
const ofStrangers = { isLimited: true } as const
const operational = {
  to: 'admins',
  kind: 'operational',
  facts: ['time', 'endpoint'],
  ...ofStrangers,
} as const

export const MAILS: Partial<Record<EventType, MailEntry>> = {
  'email.verification_requested': {
    ...linked('verify_email'),
    facts: ['until'],
    ...ofStrangers,
  },
  'user.registered_again': { template: 'registered_again', ...notice, ...ofStrangers },
  'user.invited': { ...linked('invitation'), facts: ['until'] },
  'email.sign_in_requested': {
    ...linked('sign_in'),
    facts: ['time', 'device', 'place', 'until'],
    ...ofStrangers,
  },
  'password.reset_requested': {
    ...linked('reset_password'),
    facts: ['time', 'device', 'place', 'until'],
    ...ofStrangers,
  },
  'password.reset_sent': { ...linked('reset_password'), facts: ['time', 'until'] },
  'email.change_requested': {
    ...linked('change_email_old'),
    facts: ['time', 'device', 'place', 'until'],
  },
  // To an address that is not proved: nothing of the caller who typed it but the account, masked.
  'email.change_confirmation_requested': {
    ...linked('change_email_new'),
    facts: ['account', 'until'],
  },
  'email.changed': {
    ...linked('revert_email'),
    facts: ['time', 'device', 'place', 'until'],
  },
  'email.reverted': { template: 'email_reverted', ...notice },
  'user.deleted': {
    ...linked('restore_account'),
    facts: ['time', 'device', 'place', 'until'],
    // Without a way back there is nothing to say; and an address that was not proved is not written to.
    only: ({ token_id }) => token_id !== undefined,
  },
  'user.restored': { template: 'account_restored', ...notice },
  'password.changed': {
    template: 'password_changed',
    ...notice,
    // With an invitation and at the first proof of an address people choose their first.
    only: ({ by }) => by !== 'invitation' && by !== 'verify_email',
  },
  'password.disabled': { template: 'password_disabled', ...notice, while: 'same_password' },
  'second_factor.added': { template: 'second_factor_added', ...notice },
  'second_factor.removed': { template: 'second_factor_removed', ...notice },
  // Nothing of the administrator's device.
  'second_factor.removal_requested': {
    template: 'second_factor_removal_requested',
    ...notice,
    facts: ['time', 'due'],
  },
  'second_factor.removal_cancelled': {
    template: 'second_factor_removal_cancelled',
    ...notice,
    facts: ['time'],
  },
  'second_factor.disabled': { template: 'second_factor_disabled', ...notice },
  'second_factor.code_requested': {
    template: 'second_factor_code',
    ...notice,
    while: 'code_usable',
    ...ofStrangers,
  },
  'recovery_codes.replaced': { template: 'recovery_codes_replaced', ...notice },
  'recovery_code.used': { template: 'recovery_code_used', ...notice },
  'trusted_device.added': { template: 'trusted_device_added', ...notice },
  'passkey.added': { template: 'passkey_added', ...notice },
  'passkey.removed': { template: 'passkey_removed', ...notice },
  // With a new account there is no one to warn.
  'identity.linked': { template: 'identity_linked', ...notice, only: ({ by }) => by !== 'register' },
  'identity.unlinked': { template: 'identity_unlinked', ...notice },
  'session.started': { template: 'new_device', ...notice, only: ({ new_device }) => new_device === true },
  'session.impersonated': { template: 'impersonated', ...security, while: 'always', facts: ['time'] },
  'session.revoked': { template: 'sessions_revoked', ...notice },
  'session.reuse_detected': { template: 'session_ended', ...notice },
  'session.late_repeat': { template: 'session_not_continued', ...notice },
  'api_key.expiring': {
    template: 'api_key_expiring',
    to: 'subject_or_admins',
    kind: 'operational',
    while: 'api_key_counts',
    facts: ['api_key', 'api_key_ends'],
  },
  'webhook.delivery_dead': { template: 'delivery_dead', while: 'endpoint_not_told', ...operational },
  'webhook.deliveries_expired': { template: 'delivery_dead', while: 'endpoint_not_told', ...operational },
  'webhook.disabled': { template: 'endpoint_disabled', while: 'endpoint_disabled', ...operational },
} satisfies Partial<Record<ChangeType, MailEntry>> // an attempt has no row to read when it is sent

/** @returns the mail of an event, or null where it is none that is mailed */
export function mailOf({ type, data }: Pick<Happened, 'type' | 'data'>): MailEntry | null {
  const entry = MAILS[type]
  return entry && (entry.only?.(data) ?? true) ? entry : null
}
