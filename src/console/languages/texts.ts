/** What a language must say in the console. A text that is missing does not compile; a new language is a file beside this one. */

import type { PictureName, Span } from '../pictures.ts'

export type SectionName =
  | 'overview'
  | 'users'
  | 'audit'
  | 'webhooks'
  | 'providers'
  | 'roles'
  | 'keys'
  | 'settings'

/** What an administrator does with an account, by the end of its address. */
export type UserActionName =
  | 'disable'
  | 'enable'
  | 'end-sessions'
  | 'send-reset'
  | 'verify-email'
  | 'close'
  | 'restore'
  | 'roles'

/** The same with a webhook endpoint. */
export type WebhookActionName = 'test' | 'replay' | 'replay-one'

export type ProviderActionName = 'enable' | 'disable'

/** What it does, the button, and what is said once it is done. */
type ActionTexts = { heading: string; lead: string; done: string }

export type ConsoleTexts = {
  /** For screen readers: what the list of pages is. */
  pages: string
  sections: Record<SectionName, string>
  open: string
  next: string
  none: string
  never: string
  unknown: string
  back(to: string): string
  reason: string
  reasonHint: string
  find: string
  any: string
  overview: {
    /** For screen readers: what the choice is of. */
    span: string
    spans: Record<Span, string>
    pictures: Record<PictureName, string>
    pictureOf(title: string, total: string): string
    now: string
    table: string
    since: string
    cut: string
  }
  users: {
    heading: string
    emailPrefix: string
    id: string
    externalId: string
    status: string
    role: string
    nothing: string
    created: string
    states: Record<'active' | 'disabled' | 'closed' | 'erased', string>
  }
  user: {
    email: string
    confirmed: string
    notConfirmed: string
    name: string
    noName: string
    id: string
    externalId: string
    locale: string
    roles: string
    created: string
    lastUsed: string
    closedAt: string
    sessions(live: number): string
    methods: string
    by: string
    factors: string
    app: string
    codes(left: number): string
    passkey: string
    secondFactor: string
    identity: string
    events: string
    actions: string
    self: string
    actor: string
    operator: string
    stranger: string
    because: string
  }
  audit: {
    fields: Record<'type' | 'subject' | 'actor' | 'session' | 'address' | 'from' | 'to', string>
    data: string
    account: string
    export: string
    exportLink: string
    exportLead: string
  }
  actions: Record<UserActionName, ActionTexts>
  webhook: {
    states: Record<'enabled' | 'disabled', string>
    failingSince: string
    description: string
    events: string
    deliveries: string
    deliveryStates: Record<'pending' | 'delivered' | 'dead', string>
    attempts(times: number): string
    again: string
    since: string
    all: string
    actions: Record<WebhookActionName, ActionTexts>
  }
  provider: {
    kind: string
    issuer: string
    clientId: string
    /** What is pasted at the provider. */
    callback: string
    scopes: string
    domains: string
    actions: Record<ProviderActionName, ActionTexts>
  }
  role: { lead: string; people(role: string): string }
  key: { lead: string; expires: string; revoke: string; actions: Record<'revoke', ActionTexts> }
  setting: {
    issuer: string
    hosts: string
    origins: string
    /** The value that counts where none was given. */
    fallback: string
    change: string
    logo: { file: string; hint: string; present: string; remove: string }
    actions: Record<'change' | 'logo', ActionTexts>
  }
  keepCredentials: string
  grant: string
  grantHint: string
  revoke: string
}
