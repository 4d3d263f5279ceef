/**
 * What of a tenant its administrators may see and change. The rest of the settings is the operator's (`npm run tenants`): what
 * would invalidate tokens or passkeys, which pages may call, what a password may cost, and whether they may act as others.
 */
import * as v from 'valibot'
import { SETTING_DEFAULTS, SETTINGS, type Tenant } from './tenants.ts'

const THEIRS = [
  'locale',
  'registration',
  'erasure_days',
  'unproved_account_days',
  'change_password_url',
  'redirect_uris',
  'password_min_length',
  'access_token_seconds',
  'session_idle_seconds',
  'session_absolute_seconds',
  'second_factor',
  'second_factor_roles',
  'second_factor_grace_sign_ins',
  'trusted_devices',
  'colour',
  'max_sessions',
  'api_key_scopes',
] as const satisfies (keyof typeof SETTINGS)[]

const isTheirs = (name: string) => THEIRS.some((one) => one === name)

/** Some of them, each within its bounds; null is the default again. */
export const SettingChanges = v.strictObject(
  Object.fromEntries(
    THEIRS.map((name): [string, v.GenericSchema] => [
      name,
      v.exactOptional(v.nullable(SETTINGS[name].wrapped)),
    ]),
  ),
)

export const SettingsAnswer = v.record(
  v.string(),
  v.object({
    value: v.unknown(),
    default: v.unknown(),
    /** Whether an administrator may change it. */
    changeable: v.boolean(),
  }),
)

/** Every setting as it counts, with its default beside it. */
export function presentSettings({ policy, settings }: Tenant): v.InferOutput<typeof SettingsAnswer> {
  const counts: Record<string, unknown> = policy
  // Those that the policy has not are texts without a default.
  const given: Record<string, unknown> = { ...(settings as object) }
  return Object.fromEntries(
    Object.entries(SETTING_DEFAULTS).map(([name, fallback]) => [
      name,
      { value: counts[name] ?? given[name] ?? fallback, default: fallback, changeable: isTheirs(name) },
    ]),
  )
}
