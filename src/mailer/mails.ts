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
  | 'second_factor_disabled'
  | 'recovery_codes_replaced'
  | 'recovery_code_used'
  | 'passkey_added'
  | 'passkey_removed'
  | 'sessions_revoked'
  | 'session_ended'
  | 'session_not_continued'
  | 'new_device'
  | 'account_restored'
  | 'delivery_dead'
  | 'endpoint_disabled'

/** The person whom the event is about, or every administrator of the tenant; store.ts has the SQL of each. */
export type Recipients = 'subject' | 'admins'

/** What must be so at the moment of sending, else the mail is `superseded`; store.ts has the SQL of each. */
export type Condition = 'always' | 'same_password' | 'endpoint_not_told' | 'endpoint_disabled'

/** What a mail lists besides its sentences, as far as it is known. */
export type Fact = 'time' | 'device' | 'place' | 'account' | 'until' | 'endpoint'

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
  'second_factor.disabled': { template: 'second_factor_disabled', ...notice },
  'recovery_codes.replaced': { template: 'recovery_codes_replaced', ...notice },
  'recovery_code.used': { template: 'recovery_code_used', ...notice },
  'passkey.added': { template: 'passkey_added', ...notice },
  'passkey.removed': { template: 'passkey_removed', ...notice },
  'session.started': { template: 'new_device', ...notice, only: ({ new_device }) => new_device === true },
  'session.revoked': { template: 'sessions_revoked', ...notice },
  'session.reuse_detected': { template: 'session_ended', ...notice },
  'session.late_repeat': { template: 'session_not_continued', ...notice },
  'webhook.delivery_dead': { template: 'delivery_dead', while: 'endpoint_not_told', ...operational },
  'webhook.deliveries_expired': { template: 'delivery_dead', while: 'endpoint_not_told', ...operational },
  'webhook.disabled': { template: 'endpoint_disabled', while: 'endpoint_disabled', ...operational },
} satisfies Partial<Record<ChangeType, MailEntry>> // an attempt has no row to read when it is sent

/** @returns the mail of an event, or null where it is none that is mailed */
export function mailOf({ type, data }: Pick<Happened, 'type' | 'data'>): MailEntry | null {
  const entry = MAILS[type]
  return entry && (entry.only?.(data) ?? true) ? entry : null
}
