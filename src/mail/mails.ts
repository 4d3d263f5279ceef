/**
 * Which events are mailed, to whom, and as long as what is true. One row for each; a new mail is a row here and its texts
 * in every language (src/mail/languages/).
 */
import type { ChangeType, EventType } from '../events/catalogue.ts'

export type Template = 'session_ended' | 'password_disabled' | 'delivery_dead' | 'endpoint_disabled'

/** The person whom the event is about, or everybody who administers the tenant; store.ts has the SQL of each. */
export type Recipients = 'subject' | 'admins'

/** What must be so at the moment of sending, else the mail is `superseded`; store.ts has the SQL of each. */
export type Condition = 'always' | 'same_password' | 'endpoint_not_told' | 'endpoint_disabled'

/** What a mail lists besides its sentences, as far as it is known. */
export type Fact = 'time' | 'device' | 'place' | 'endpoint'

export type MailEntry = {
  template: Template
  to: Recipients
  while: Condition
  facts: readonly Fact[]
}

export const MAILS: Partial<Record<EventType, MailEntry>> = {
  'session.reuse_detected': {
    template: 'session_ended',
    to: 'subject',
    while: 'always',
    facts: ['time', 'device', 'place'],
  },
  'password.disabled': {
    template: 'password_disabled',
    to: 'subject',
    while: 'same_password',
    facts: ['time', 'device', 'place'],
  },
  'webhook.delivery_dead': {
    template: 'delivery_dead',
    to: 'admins',
    while: 'endpoint_not_told',
    facts: ['time', 'endpoint'],
  },
  'webhook.disabled': {
    template: 'endpoint_disabled',
    to: 'admins',
    while: 'endpoint_disabled',
    facts: ['time', 'endpoint'],
  },
} satisfies Partial<Record<ChangeType, MailEntry>> // an attempt has no row to read when it is sent
