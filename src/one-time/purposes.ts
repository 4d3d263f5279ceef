/** What a one-time token can be for: how long it lives, and which page its link opens. */
import type { OneTimePurpose } from './one-time-token.ts'

const MINUTE = 60
const HOUR = 3600

export type PurposeEntry = {
  /** Life in seconds; `tenant` where the tenant's settings say it. */
  seconds: number | 'tenant'
  /** Of the mailed link, below the tenant's origin. */
  path: `/link/${string}`
  /** Whether its address must be the account's own at the moment of use; else only the token decides. */
  provesOwnAddress: boolean
}

export const PURPOSES = {
  verify_email: { seconds: 24 * HOUR, path: '/link/verify-email', provesOwnAddress: true },
  reset_password: { seconds: 30 * MINUTE, path: '/link/reset-password', provesOwnAddress: true },
  change_email_old: { seconds: 24 * HOUR, path: '/link/change-email', provesOwnAddress: true },
  change_email_new: { seconds: 24 * HOUR, path: '/link/change-email', provesOwnAddress: false },
  revert_email: { seconds: 72 * HOUR, path: '/link/revert-email', provesOwnAddress: false },
  sign_in: { seconds: 10 * MINUTE, path: '/link/sign-in', provesOwnAddress: true },
  restore_account: { seconds: 'tenant', path: '/link/restore-account', provesOwnAddress: true },
  invitation: { seconds: 72 * HOUR, path: '/link/accept-invitation', provesOwnAddress: true },
} as const satisfies Record<OneTimePurpose, PurposeEntry>

/**
 * Wrong codes that a challenge hears, and as many more from the browser that asked for it; then it is dead there (ASVS
 * 6.6.3). So no stranger can kill the code that its owner holds.
 */
export const MAX_CODE_ATTEMPTS = 5
/** Wrong codes in a row against one account, over any number of challenges (NIST SP 800-63B-4 §3.2.2); then the link alone signs in. */
export const MAX_CODE_FAILURES = 100
