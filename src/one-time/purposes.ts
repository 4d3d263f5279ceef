/**
 * What a one-time token can be for, once: how long it lives, which mail carries it and which page its link opens. The names
 * of those mails and pages are taken from here. A token of one purpose is garbage for every other.
 */

const MINUTE = 60
const HOUR = 3600

export type PurposeEntry = {
  /** Life in seconds; `tenant` where the tenant's settings say it. */
  seconds: number | 'tenant'
  /** Of the mailed link, below the tenant's origin. */
  path: `/link/${string}`
  /** The template of the mail (src/mailer/languages/). */
  mail: string
  /** Whether its address must be the account's own at the moment of use; else only the token decides. */
  provesOwnAddress: boolean
}

export const PURPOSES = {
  verify_email: {
    seconds: 24 * HOUR,
    path: '/link/verify-email',
    mail: 'verify_email',
    provesOwnAddress: true,
  },
  reset_password: {
    seconds: 30 * MINUTE,
    path: '/link/reset-password',
    mail: 'reset_password',
    provesOwnAddress: true,
  },
  change_email_old: {
    seconds: 24 * HOUR,
    path: '/link/change-email',
    mail: 'approve_email_change',
    provesOwnAddress: true,
  },
  change_email_new: {
    seconds: 24 * HOUR,
    path: '/link/change-email',
    mail: 'confirm_new_email',
    provesOwnAddress: false,
  },
  revert_email: {
    seconds: 72 * HOUR,
    path: '/link/revert-email',
    mail: 'email_changed',
    provesOwnAddress: false,
  },
  sign_in: { seconds: 10 * MINUTE, path: '/link/sign-in', mail: 'sign_in', provesOwnAddress: true },
  restore_account: {
    seconds: 'tenant',
    path: '/link/restore-account',
    mail: 'account_closed',
    provesOwnAddress: true,
  },
  invitation: {
    seconds: 72 * HOUR,
    path: '/link/accept-invitation',
    mail: 'invitation',
    provesOwnAddress: true,
  },
} as const satisfies Record<string, PurposeEntry>

export type OneTimePurpose = keyof typeof PURPOSES
type Entry = (typeof PURPOSES)[OneTimePurpose]

/** Mails that a one-time token belongs to: one link, and nothing else to press. */
export type LinkMail = Entry['mail']

/** The pages that mailed links open, by their paths: `verify_email` is at `/link/verify-email`. */
export type LinkPage = Entry['path'] extends `/link/${infer Name}` ? Underscored<Name> : never
type Underscored<Name extends string> = Name extends `${infer Word}-${infer Rest}`
  ? `${Word}_${Underscored<Rest>}`
  : Name

/**
 * Wrong codes that a challenge hears, and as many more from the browser that asked for it; then it is dead there (ASVS
 * 6.6.3). So no stranger can kill the code that its owner holds.
 */
export const MAX_CODE_ATTEMPTS = 5
/** Wrong codes in a row against one account, over any number of challenges (NIST SP 800-63B-4 §3.2.2); then the link alone signs in. */
export const MAX_CODE_FAILURES = 100
