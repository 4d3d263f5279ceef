/** What a tenant's settings may be: for the constraint of `tenants`, and for what reads and writes them. */
const DAY = 86_400

/** Whole numbers. */
export const SETTING_BOUNDS = {
  erasure_days: { fallback: 30, least: 0, most: 365 },
  unproved_account_days: { fallback: 30, least: 1, most: 365 },
  password_min_length: { fallback: 8, least: 8, most: 64 },
  password_max_bytes: { fallback: 1024, least: 256, most: 1024 },
  access_token_seconds: { fallback: 600, least: 60, most: 3600 },
  session_idle_seconds: { fallback: 14 * DAY, least: 300, most: 90 * DAY },
  session_absolute_seconds: { fallback: 30 * DAY, least: 600, most: 365 * DAY },
  second_factor_grace_sign_ins: { fallback: 10, least: 1, most: 1000 },
  second_factor_removal_hours: { fallback: 24, least: 12, most: 720 },
  max_sessions: { fallback: 100, least: 1, most: 500 },
} as const satisfies Record<string, { fallback: number; least: number; most: number }>

export type NumberSetting = keyof typeof SETTING_BOUNDS

/** Texts of a few: one that is misspelt must not be read as its default, which may ask for less. */
export const SETTING_CHOICES = {
  registration: ['verify-first', 'sign-in-at-once'],
  second_factor: ['off', 'optional', 'required_for_roles', 'required'],
} as const
