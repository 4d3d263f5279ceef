/**
 * What other systems say of an account's state, by their own names for it: whether it is disabled, its address proved, its
 * password to be replaced, a second factor set up. Read strictly: what could be read in two ways is refused, and where two
 * fields disagree, the one that lets in less decides.
 */
import * as v from 'valibot'

/** Absent or null: it was never set. */
const Flag = v.optional(v.nullable(v.boolean()), null)

/** Here null is refused: it does not say that the account is open. */
const OpenFlag = v.optional(v.boolean(), true)

/** RFC 3339, or as PostgreSQL writes a `timestamptz` and SQL Server its own: with its offset, so that it is one moment. */
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?( ?[+-]\d\d(:?\d\d)?|Z)$/

const Time = v.optional(
  v.nullable(
    v.pipe(
      v.string(),
      v.check((text) => !Number.isNaN(momentOf(text)), 'invalid_time'),
    ),
  ),
  null,
)

/** That it happened is all that matters, so it may be without an offset, as MySQL writes it. */
const Since = v.optional(
  v.nullable(
    v.pipe(
      v.string(),
      v.check(
        (text) => !Number.isNaN(momentOf(/[T ]\d\d:\d\d:\d\d(\.\d+)?$/.test(text) ? `${text}Z` : text)),
        'invalid_time',
      ),
    ),
  ),
  null,
)

/** In milliseconds; NaN for what is no time. */
function momentOf(text: string): number {
  if (text === 'infinity') return Number.POSITIVE_INFINITY
  if (!TIME.test(text)) return Number.NaN
  return Date.parse(
    text.replace(' ', 'T').replace(/ ?([+-]\d\d):?(\d\d)?$/, (_, hours, rest) => `${hours}:${rest ?? '00'}`),
  )
}

/** Keycloak's. Those that set up a second factor are one; of those about the profile nothing is left to do here. */
const RequiredActions = v.optional(
  v.nullable(
    v.array(
      v.pipe(
        v.string(),
        v.check((action) => !/totp|webauthn|recovery_authn/i.test(action), 'second_factor_not_supported'),
        v.picklist(
          [
            'UPDATE_PASSWORD',
            'VERIFY_EMAIL',
            'UPDATE_PROFILE',
            'VERIFY_PROFILE',
            'UPDATE_EMAIL',
            'TERMS_AND_CONDITIONS',
            'terms_and_conditions',
            'update_user_locale',
          ],
          'not_allowed',
        ),
      ),
    ),
  ),
  null,
)

/** Cognito's, beside `Enabled`. */
const COGNITO = {
  open: ['CONFIRMED', 'EXTERNAL_PROVIDER', 'UNCONFIRMED'],
  needsNewPassword: ['RESET_REQUIRED', 'FORCE_CHANGE_PASSWORD'],
  disabled: ['ARCHIVED', 'COMPROMISED', 'UNKNOWN'],
}

const UserStatus = v.optional(
  v.nullable(v.pipe(v.string(), v.picklist(Object.values(COGNITO).flat(), 'not_allowed'))),
  null,
)

export const StateFields = {
  email_verified: Flag,
  emailVerified: Flag, // Firebase, Keycloak
  verified: Flag, // FusionAuth
  EmailConfirmed: Flag, // ASP.NET Identity
  email_confirmed_at: Since, // Supabase
  email_verified_at: Since, // Laravel
  disabled: Flag, // Firebase too
  blocked: Flag, // Auth0
  banned: Flag, // Clerk
  locked: Flag, // Clerk
  locked_at: Since, // Devise
  banned_until: Time, // Supabase
  LockoutEnd: Time, // ASP.NET Identity
  deleted_at: Since, // Supabase, Laravel
  enabled: OpenFlag, // Keycloak
  Enabled: OpenFlag, // Cognito
  is_active: OpenFlag, // Django
  active: OpenFlag, // FusionAuth
  UserStatus, // Cognito
  password_change_required: Flag,
  passwordChangeRequired: Flag, // FusionAuth
  requiredActions: RequiredActions, // Keycloak
}

const State = v.object(StateFields)
type State = v.InferOutput<typeof State>

/** A ban that ends is one without an end here: nothing enables an account by itself. */
export function isDisabled(state: State, now: Date): boolean {
  const { disabled, blocked, banned, locked, enabled, Enabled, is_active, active, UserStatus: status } = state
  return (
    [disabled, blocked, banned, locked].includes(true) ||
    [enabled, Enabled, is_active, active].includes(false) ||
    [state.banned_until, state.LockoutEnd].some(
      (until) => until !== null && momentOf(until) > now.getTime(),
    ) ||
    state.locked_at !== null ||
    state.deleted_at !== null ||
    COGNITO.disabled.includes(status ?? '')
  )
}

export function isVerified(state: State): boolean {
  const { email_confirmed_at, email_verified_at, requiredActions } = state
  const said = [
    ...[state.email_verified, state.emailVerified, state.verified, state.EmailConfirmed],
    ...[email_confirmed_at, email_verified_at].map((at) => (at === null ? null : true)),
  ]
  const isAsked = requiredActions?.includes('VERIFY_EMAIL') || state.UserStatus === 'UNCONFIRMED'
  return said.includes(true) && !said.includes(false) && !isAsked
}

/** Asked of an entry that is not checked yet: then its password hash does not matter, whatever it is. */
export const needsNewPassword = (entry: Record<string, unknown>): boolean =>
  entry.password_change_required === true ||
  entry.passwordChangeRequired === true ||
  COGNITO.needsNewPassword.includes(String(entry.UserStatus)) ||
  (Array.isArray(entry.requiredActions) && entry.requiredActions.includes('UPDATE_PASSWORD'))

/** Fields that only say that there is a second factor. Clerk, Keycloak, Cognito, Laravel Fortify, devise-two-factor, ASP.NET Identity, Better Auth. */
const SAID = [
  ...['mfa_enabled', 'totp', 'totp_enabled', 'two_factor_enabled', 'twoFactorEnabled', 'TwoFactorEnabled'],
  ...['mfa_enabled_at', 'two_factor_confirmed_at', 'otp_required_for_login', 'backup_code_enabled'],
  ...['cognito:mfa_enabled', 'UserMFASettingList', 'PreferredMfaSetting'],
]

/** Codes for an owner who lost the second factor: they are made anew here, because most are short. */
const CODES = ['recovery_codes', 'backup_codes', 'two_factor_recovery_codes', 'otp_backup_codes']

/** Second factors in forms that cannot be imported: phones, email, and secrets that the other system has encrypted. */
const OTHERS = [
  ...[
    'mfa',
    'second_factors',
    'passkeys',
    'webauthn',
    'credentials',
    'mfa_factors',
    'multifactor',
    'mfaInfo',
  ],
  ...['multiFactor', 'factors', 'MFAOptions', 'twoFactor', 'two_factor_secret', 'otp_secret'],
]

type LeftOver = { name: string; code: 'second_factor_not_imported' | 'recovery_codes_not_imported' | null }

/** Takes the fields of other second factors out of an entry. @returns those that say that there is one; no code where nothing is lost */
export function leftOverFactors(entry: Record<string, unknown>): LeftOver[] {
  const codeOf = (name: string): LeftOver['code'] => {
    if (CODES.includes(name)) return 'recovery_codes_not_imported'
    return SAID.includes(name) ? null : 'second_factor_not_imported'
  }
  const names = [...OTHERS, ...SAID, ...CODES].filter((name) => Object.hasOwn(entry, name))
  const found = names.filter((name) => !saysNothing(entry[name]))
  for (const name of names) delete entry[name]
  return found.map((name) => ({ name, code: codeOf(name) }))
}

/** Absent, null, `false`, also as a CSV or MySQL has it, no text, and lists and objects of nothing else. */
export function saysNothing(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(saysNothing)
  return value === undefined || value === null || value === 0 || /^(false)?$/i.test(String(value))
}
