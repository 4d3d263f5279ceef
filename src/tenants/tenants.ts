/** What a tenant is to the rest of the code: its issuer, its audience, the origins it trusts and its policy in numbers. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { checkOrigin, originToAllow } from '../http/origin.ts'
import { Fault, type Refusal, refuse } from '../problem.ts'
import { type NumberSetting, SETTING_BOUNDS, SETTING_CHOICES } from '../storage/setting-bounds.ts'
import { COLOUR } from './colours.ts'
import { LOGO_VERSION } from './logo.ts'
import { DeclaredRoles, PermissionName } from './roles.ts'
import { TokenClaims } from './token-claims.ts'

function bounded(name: NumberSetting) {
  const { fallback, least, most } = SETTING_BOUNDS[name]
  return v.optional(
    v.pipe(
      v.number(),
      v.integer('out_of_range'),
      v.minValue(least, 'out_of_range'),
      v.maxValue(most, 'out_of_range'),
    ),
    fallback,
  )
}

const DOMAIN = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/

/** As Cloudflare writes the key of a widget. A statement reads it by the same (src/turnstile/turnstile-store.ts). */
export const SITE_KEY = /^[A-Za-z0-9_.-]{1,100}$/

/** An https origin, exactly as browsers write it, or an Android app by the digest of its key. */
function isPasskeyOrigin(text: string): boolean {
  if (/^android:apk-key-hash:[A-Za-z0-9_-]{43}$/.test(text)) return true
  const url = URL.parse(text)
  return url?.protocol === 'https:' && url.origin === text && DOMAIN.test(url.hostname)
}

/** An https address, one of this machine, or of an app's own scheme, which has a dot (RFC 8252 §7.1); never a script. */
function isRedirectUri(text: string): boolean {
  if (/[^\x21-\x7e]|[\\#]/.test(text)) return false
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  if (url.protocol === 'http:') return url.hostname === '127.0.0.1' || url.hostname === '[::1]'
  return url.protocol === 'https:' || /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)
}

/** `tenants.settings`: what an operator may change, within bounds that keep it safe. `npm run docs` writes the comments into docs/settings.md. */
const Settings = v.object({
  /** The `aud` of access tokens; the issuer when absent. */
  audience: v.optional(v.pipe(v.string(), v.minLength(1))),
  /** The language of mail to people who have chosen none, a BCP 47 tag; read where it is sent (src/mailer/store.ts). */
  locale: v.optional(v.pipe(v.string(), v.maxLength(35))),
  /**
   * `verify-first`: an account is usable once its address is proved, and no one learns whether an address has one.
   * `sign-in-at-once`: registration signs in, and says when an address is taken.
   */
  registration: v.optional(v.picklist(SETTING_CHOICES.registration), 'verify-first'),
  /** After it the personal data of a closed account is erased; until then its owner may restore it. */
  erasure_days: bounded('erasure_days'),
  /** After it an account is closed that was made to be proved, or by an invitation, and was neither proved nor used. */
  unproved_account_days: bounded('unproved_account_days'),
  /** Where `/.well-known/change-password` leads; our own page when absent. */
  change_password_url: v.optional(v.pipe(v.string(), v.url(), v.startsWith('https://'))),
  /** The domain that passkeys are of (WebAuthn's RP ID); the issuer's host when absent. Another one loses all passkeys. */
  passkey_rp_id: v.optional(v.pipe(v.string(), v.maxLength(253), v.regex(DOMAIN))),
  /** Where passkeys may be used; when absent, the issuer and those of `allowed_origins` that the domain covers. */
  passkey_origins: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.check(isPasskeyOrigin))), v.minLength(1), v.maxLength(20)),
  ),
  /**
   * Where a browser may be sent after signing in at a provider, exactly; of `http://127.0.0.1` and `http://[::1]` with any
   * port (RFC 8252 §7.3).
   */
  redirect_uris: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.maxLength(2048), v.check(isRedirectUri))), v.maxLength(100)),
    [],
  ),
  /** In code points. NIST SP 800-63B-4 §3.1.1.2 wants 15 where the password is the only factor. */
  password_min_length: bounded('password_min_length'),
  /** In bytes of UTF-8 after NFC; at least 64 code points of 4 bytes are always allowed. */
  password_max_bytes: bounded('password_max_bytes'),
  /** How long an access token is valid. */
  access_token_seconds: bounded('access_token_seconds'),
  /** How long a session lives without a refresh. */
  session_idle_seconds: bounded('session_idle_seconds'),
  /** How long a session lives at most. */
  session_absolute_seconds: bounded('session_absolute_seconds'),
  /**
   * Who needs a second factor. `optional`: accounts that have added one. `required_for_roles`: those and who has a role of
   * `second_factor_roles`. `required`: every account. `off`: no factor can be added; those that exist are still asked for.
   */
  second_factor: v.optional(v.picklist(SETTING_CHOICES.second_factor), 'optional'),
  /** The roles of `required_for_roles`. */
  second_factor_roles: v.optional(v.array(v.pipe(v.string(), v.maxLength(64))), ['admin']),
  /** How often an account that must add a second factor may sign in to do only that; then it is refused. */
  second_factor_grace_sign_ins: bounded('second_factor_grace_sign_ins'),
  /**
   * Whether an account that must have a second factor and has none may use a code by email instead, after a first factor that
   * is not email itself. Such a session is AAL1 (ASVS 6.3.6).
   */
  second_factor_email_code: v.optional(v.boolean(), false),
  /** Whether an owner may have a browser trusted for 30 days: no second factor is asked for there, and sessions reach AAL1. */
  trusted_devices: v.optional(v.boolean(), false),
  /**
   * The permissions of each role. Those of `latchkey:` are ours (docs/permissions.md); your API says what any other means.
   * Roles that are not listed have none; `admin` has all of ours.
   */
  roles: v.optional(DeclaredRoles, {}),
  /** What API keys may be made for; none can be made while it is empty. As of `roles`. */
  api_key_scopes: v.optional(v.pipe(v.array(PermissionName), v.maxLength(100)), []),
  /** For how many hours a removal of second factors by an administrator waits. The owner is told at once, and can stop it. */
  second_factor_removal_hours: bounded('second_factor_removal_hours'),
  /** Whether administrators may act as another person (POST /v1/impersonations), who is told by email. */
  impersonation: v.optional(v.picklist(['off', 'allowed']), 'off'),
  /**
   * What of an account's metadata its access tokens carry: claim → `external_id`, `public.<member>` or `private.<member>`. The
   * owner writes public members: authorise by none of them.
   */
  token_claims: v.optional(TokenClaims, {}),
  /** The colour of buttons and links on the hosted pages, `#rrggbb`. Texts stay readable, whatever it is. */
  colour: v.optional(v.pipe(v.string(), v.regex(COLOUR))),
  /** The version of the logo that the hosted pages show. Set with the picture by `PATCH /v1/admin/tenant/logo`, or `npm run tenants -- set <slug> --logo <file>`. */
  logo: v.optional(v.pipe(v.string(), v.regex(LOGO_VERSION))),
  /**
   * The public key of a widget of Cloudflare Turnstile: without its token no one signs up, or has a link to reset a password or a
   * sign-in code mailed. Set with its secret by `PATCH /v1/admin/tenant` (docs/turnstile.md).
   */
  turnstile_site_key: v.optional(v.pipe(v.string(), v.regex(SITE_KEY))),
  /** What happens while Cloudflare does not answer: `refuse` (503), or `pass` as if the tenant had no Turnstile. */
  turnstile_unreachable: v.optional(v.picklist(['refuse', 'pass']), 'refuse'),
  /** Sessions of one account that live at a time: when one more begins, the oldest ends. */
  max_sessions: bounded('max_sessions'),
})

/** Each setting by its name, for what takes some of them alone (admin-settings.ts). */
export const SETTINGS = Settings.entries

export type TenantSettings = v.InferInput<typeof Settings>
export type TenantPolicy = Omit<v.InferOutput<typeof Settings>, 'audience' | 'locale'>

/** Defaults that SQL needs too, where a setting that is no number is read inside a statement. */
export const DEFAULT_POLICY: TenantPolicy = v.parse(Settings, {})
const DEFAULTS: Record<string, unknown> = DEFAULT_POLICY

/** Of these two the first may not be more than the second. */
export const ORDERED_SETTINGS = ['session_idle_seconds', 'session_absolute_seconds'] as const

/** A row as a query joins it: see `tenantColumns` in store.ts. */
export type TenantRow = {
  id: string
  slug: string
  name: string
  issuer: string
  allowedOrigins: string[]
  settings: unknown
}

/** The row with its settings read: what every rule works with. */
export type Tenant = TenantRow & { audience: string; policy: TenantPolicy }

/**
 * The one check for whatever writes `tenants.settings`; the constraint of the table holds the numbers besides.
 * @throws Fault that names the settings that are wrong or that there are not
 */
export function requireTenantSettings(settings: unknown): TenantSettings {
  const parsed = v.safeParse(v.strictObject(Settings.entries), unlessList(settings))
  if (parsed.success) return settings as TenantSettings // as it was given, without the defaults
  throw new Fault('internal_error', `tenants.settings: ${wrongIn(parsed.issues).join(', ')} not valid`)
}

/** Every setting there is, with its default; null where the absence of one says something of its own. */
export const SETTING_DEFAULTS: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.keys(Settings.entries).map((name) => [name, DEFAULTS[name] ?? null]),
)

/** The names of the settings that cannot be read, so that their defaults count. */
export const wrongSettings = (settings: unknown): string[] =>
  wrongIn(v.safeParse(Settings, unlessList(settings)).issues ?? [])

/** A setting that cannot be read is the default: it must not take the tenant down. It is logged as an error each time. */
export function readTenant({ log }: Pick<Context, 'log'>, row: TenantRow): Tenant {
  const parsed = v.safeParse(Settings, unlessList(row.settings))
  const wrong = wrongIn(parsed.issues ?? [])
  for (const setting of wrong)
    log('error', 'invalid tenant setting', { tenant: row.slug, tenant_id: row.id, setting })
  const { audience = row.issuer, ...policy } = parsed.success
    ? parsed.output
    : v.parse(Settings, without(wrong, row.settings))
  return { ...row, audience, policy }
}

/** Valibot takes a list for an object without members. */
const unlessList = (settings: unknown) => (Array.isArray(settings) ? null : settings)

/** The names of settings, once each; `settings` where it is no object. */
const wrongIn = (issues: readonly v.BaseIssue<unknown>[]): string[] => [
  ...new Set(issues.map(({ path }) => String(path?.[0]?.key ?? 'settings'))),
]

const without = (names: readonly string[], settings: unknown) =>
  Object.fromEntries(Object.entries(settings ?? {}).filter(([name]) => !names.includes(name)))

/**
 * The checks every operation makes first, once its query has found (or not found) the tenant of the host.
 * @returns the tenant; refusals `unknown_host`, `origin_not_allowed`
 */
export function requireTenant(
  ctx: Pick<
    Context,
    'host' | 'callerOrigin' | 'fetchSite' | 'origin' | 'readers' | 'tenant' | 'outcome' | 'log'
  >,
  row: TenantRow | undefined,
): Tenant | Refusal {
  if (!row) return refuse('unknown_host', { evidence: { host: ctx.host.slice(0, 255) } })
  ctx.outcome.tenant = row.slug
  ctx.tenant.name = row.name
  const refused = checkOrigin(ctx, row.allowedOrigins)
  if (refused) return refused
  ctx.readers.origin = originToAllow(ctx)
  const tenant = readTenant(ctx, row)
  ctx.tenant.trustsDevices = tenant.policy.trusted_devices
  ctx.tenant.colour = tenant.policy.colour ?? null
  ctx.tenant.logo = tenant.policy.logo ?? null
  ctx.tenant.turnstile = tenant.policy.turnstile_site_key ?? null
  return tenant
}
