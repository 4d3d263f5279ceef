/** What a language must say on the pages. A text that is missing does not compile; a new language is a file beside this one. */
import type { Page } from '../forms.ts'

export type PageTexts = {
  /** The heading of the page, and its title. */
  heading: string
  /** What pressing the button does. */
  lead: string
  button: string
  /** Once it is done: what happened, and what to do next. */
  done: Done
}

type Done = { heading: string; next: string }

/** Before a page of another service. */
export type Leaving = { heading: string; lead: string; goOn: string }

/** `without_password`: the account has none now. `waiting`: the other address has yet to confirm. */
export type Instead = 'without_password' | 'waiting'

/** What a page can answer with a sentence of its own; anything else is `other`. */
export type Mishap =
  | 'invalid_one_time_token'
  | 'invalid_sign_in_link'
  | 'invalid_credentials'
  | 'missing'
  | 'password_compromised'
  | 'password_disabled'
  | 'too_short'
  | 'too_long'
  | 'invalid_input'
  | 'email_taken'
  | 'rate_limited'
  | 'invalid_code'
  | 'invalid_mfa_token'
  | 'invalid_oauth_state'
  | 'invalid_passkey'
  | 'second_factor_disabled'
  | 'second_factor_required'
  | 'origin_not_allowed'
  | 'form_expired'
  | 'last_way_in'
  | 'email_not_verified'
  | 'not_found'
  | 'last_administrator'
  | 'passkey_is_second_factor'
  | 'passkey_exists'
  | 'too_many_passkeys'
  | 'second_factors_off'
  | 'trusted_devices_off'
  | 'no_second_factor'
  | 'turnstile_failed'
  | 'too_many_api_keys'
  | 'no_scope'
  | 'insufficient_role'
  | 'unknown_host'
  | 'bad_return'
  | 'posted_elsewhere'
  | 'account_closed'
  | 'account_disabled'
  | 'account_not_verified'
  | 'own_account'
  | 'too_many_roles'
  | 'webhook_disabled'
  | 'webhook_target_refused'
  | 'other'

/** What is wrong with one field, by the code of its error; anything else is `invalid`. */
export type FieldMishap =
  | 'missing'
  | 'invalid'
  | 'invalid_email'
  | 'invalid_code'
  | 'invalid_characters'
  | 'password_compromised'
  | 'too_short'
  | 'too_long'
  | 'too_large'
  | 'payload_too_large'
  | 'not_an_image'
  | 'unchanged'
  | 'email_taken'

/** The fields of all forms, by their names. */
export type FieldName =
  | 'email'
  | 'name'
  | 'password'
  | 'current_password'
  | 'new_password'
  | 'code'
  | 'logo'
  | 'locale'

/** Of the two forms that prove an address where its password is at stake. */
type Proofs = {
  known: { lead: string; button: string }
  chosen: { heading: string; lead: string; button: string }
}

export type Texts = {
  pages: Record<Page, PageTexts>
  /** Where it was done otherwise than the page's own `done` says. */
  instead: Record<Instead, Done>
  proofs: Proofs
  /** Where a second factor is asked for. */
  secondStep: { heading: string; lead: string; button: string }
  /** The heading where a link is over, and what to do then. */
  isOver: string
  wayOn: Partial<Record<Page, string>>
  /** Above what went wrong. */
  refused: string
  /** Below it, where another attempt can help. */
  goBack: string
  /** Links to where a person goes on; `again` to the page that was refused. */
  on: Record<
    'sign_in' | 'forgot_password' | 'request_sign_in' | 'account' | 'account_email' | 'again',
    string
  >
  mishaps: Record<Mishap, string>
  fieldMishaps: Record<FieldMishap, string>
  fields: {
    email: string
    optionalName: string
    password: string
    currentPassword: string
    presentPassword: string
    newPassword: string
    newEmail: string
    name: string
    code: string
  }
  /** What the language calls itself. */
  language: string
  /** Of a form that needs the script of Turnstile. */
  needsScript: string
  /** Of a field with a password. */
  password: { show: string; hide: string; atLeast(characters: number): string }
  or: string
  signIn: {
    heading: string
    button: string
    forgot: string
    isNew: string
    signUp: string
    byCode: string
    byPasskey: string
    wrong: string
    byProvider(name: string): string
  }
  signUp: {
    heading: string
    button: string
    hasAccount: string
    signIn: string
    /** Once a link was mailed. */
    sent: Done
  }
  signOut: { button: string; done: Done; again: string }
  /** Where someone is signed in already. */
  goOn: { heading: string; lead(email: string): string; button: string; other: string }
  /** Signing in with a mailed code. */
  emailCode: {
    heading: string
    lead: string
    button: string
    sent: Done
    enter: string
    again: string
    password: string
  }
  /** The second step of a sign-in, besides `secondStep`. */
  step: {
    mailed: string
    recovery: string
    startOver: string
    enrolHeading: string
    enrol: string
    passkeyHeading: string
    passkeyLead: string
    byPasskey: string
    byRecoveryCode: string
    /** Of a checkbox: no second step is asked for in this browser. */
    trust(days: number): string
  }
  passkeyFailed: string
  /** Where a provider sent the person back without having let them in. */
  providerFailed: string
  /** Showing again that it is you. */
  stepUp: {
    heading: string
    lead: string
    button: string
    again: string
    byPasskey: string
    byProvider(name: string): string
    leaving: Leaving
  }
  account: AccountTexts
}

/** What was done on a page of the account, by its name in the address. */
export type DoneWhat =
  | 'profile'
  | 'password'
  | 'email'
  | 'device'
  | 'devices'
  | 'app'
  | 'app_removed'
  | 'passkey'
  | 'passkey_removed'
  | 'unlinked'
  | 'trust_gone'
  | 'key_revoked'
  | 'trusts_gone'
  | 'factor_gone'

type AccountTexts = {
  heading: string
  back: string
  change: string
  open: string
  save: string
  none: string
  noName: string
  on: string
  off: string
  confirmed: string
  name: string
  emailAddress: string
  security: string
  twoSteps: string
  passkeys: string
  identities: string
  done: Record<DoneWhat, string>
  profile: { heading: string; locale: string; anyLocale: string; mail: string }
  password: { heading: string; lead: string; button: string }
  email: { heading: string; lead(email: string): string; button: string }
  devices: {
    heading: string
    thisOne: string
    unknown: string
    lastUsed: string
    button: string
    others: string
  }
  apiKeys: {
    heading: string
    short: string
    lead: string
    noneYet: string
    made: string
    used: string
    unused: string
    ends: string
    revoke: string
    add: string
    addLead: string
    scopes: string
    never: string
    after(days: number): string
    button: string
    yours: string
    yoursLead: string
    kept: string
  }
  trustedDevices: {
    heading: string
    short: string
    lead: string
    noneYet(days: number): string
    thisOne: string
    since: string
    until: string
    remove: string
    removeAll: string
  }
  authenticator: {
    isOn: string
    isOff: string
    add: string
    another: string
    remove: string
    removeLead: string
    newCodes: string
    newCodesLead: string
    left(codes: number): string
    scan: string
    scanLead: string
    qr: string
    byHand: string
    again: string
    confirm: string
    codes: string
    codesLead: string
    kept: string
  }
  passkeysPage: {
    lead: string
    added: string
    used: string
    remove: string
    add: string
    /** Of a passkey that is asked for after the password. */
    isFactor: string
    choose: string
    chooseLead: string
    leave: string
    leaveLead: string
  }
  identitiesPage: {
    lead: string
    noneYet: string
    linked: string
    since: string
    unlink: string
    link(provider: string): string
    leaving: Leaving
  }
  data: { heading: string; short: string; lead: string; button: string }
  close: { heading: string; short: string; lead(days: number): string; button: string; done: Done }
}
