/** What a tenant is to the rest of the code: its issuer, its audience, the origins it trusts and its policy in numbers. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { checkOrigin, originToAllow } from '../http/origin.ts'
import { Fault, type Refusal, refuse } from '../problem.ts'

const DAY = 86_400

const bounded = (fallback: number, least: number, most: number) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most)), fallback)

/** `tenants.settings`: what an operator may change, within bounds that keep it safe. Lifetimes are in seconds. */
const Settings = v.object({
  /** The `aud` of access tokens; the issuer when absent. */
  audience: v.optional(v.pipe(v.string(), v.minLength(1))),
  /** The language of mail to people who have chosen none, a BCP 47 tag; read where it is sent (src/mailer/store.ts). */
  locale: v.optional(v.pipe(v.string(), v.maxLength(35))),
  /**
   * `verify-first`: an account is usable once its address is proved, and nobody learns whether an address has one.
   * `sign-in-at-once`: registration signs in, and says when an address is taken.
   */
  registration: v.optional(v.picklist(['verify-first', 'sign-in-at-once']), 'verify-first'),
  /** After it the personal data of a closed account is erased; until then its owner may restore it. */
  erasure_days: bounded(30, 0, 365),
  /** After it an account is closed that was made to be proved, or by an invitation, and that nobody has proved or used. */
  unproved_account_days: bounded(30, 1, 365),
  /** Where `/.well-known/change-password` leads; our own page when absent. */
  change_password_url: v.optional(v.pipe(v.string(), v.url(), v.startsWith('https://'))),
  /** In code points. NIST SP 800-63B-4 §3.1.1.2 wants 15 where the password is the only factor. */
  password_min_length: bounded(8, 8, 64),
  /** In bytes of UTF-8 after NFC; at least 64 code points of 4 bytes are always allowed. */
  password_max_bytes: bounded(1024, 256, 1024),
  access_token_seconds: bounded(600, 60, 3600),
  session_idle_seconds: bounded(14 * DAY, 300, 90 * DAY),
  session_absolute_seconds: bounded(30 * DAY, 600, 365 * DAY),
  /**
   * Who needs a second factor. `optional`: accounts that have added one. `required_for_roles`: those and who has a role of
   * `second_factor_roles`. `required`: every account. `off`: no factor can be added; those that exist are still asked for.
   */
  second_factor: v.optional(v.picklist(['off', 'optional', 'required_for_roles', 'required']), 'optional'),
  second_factor_roles: v.optional(v.array(v.pipe(v.string(), v.maxLength(64))), ['admin']),
  /** How often an account that must add a second factor may sign in to do only that; then it is refused. */
  second_factor_grace_sign_ins: bounded(10, 1, 1000),
  /** Sessions of one account that live at a time: when one more begins, the oldest ends. */
  max_sessions: bounded(100, 1, 500),
})

export type TenantSettings = v.InferInput<typeof Settings>
export type TenantPolicy = Omit<v.InferOutput<typeof Settings>, 'audience' | 'locale'>

/** Defaults that SQL needs too, where a tenant's setting is read inside a statement. */
export const DEFAULT_POLICY: TenantPolicy = v.parse(Settings, {})

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

/** @throws Fault when the stored settings are out of bounds: that is our data, not the caller's */
export function readTenant(row: TenantRow): Tenant {
  const parsed = v.safeParse(Settings, row.settings)
  if (!parsed.success) throw new Fault('internal_error', `settings of tenant ${row.id} are out of bounds`)
  const { audience = row.issuer, ...policy } = parsed.output
  return { ...row, audience, policy }
}

/**
 * The checks every operation makes first, once its query has found (or not found) the tenant of the host.
 * @returns the tenant; refusals `unknown_host`, `origin_not_allowed`
 */
export function requireTenant(
  ctx: Pick<Context, 'host' | 'callerOrigin' | 'fetchSite' | 'origin' | 'readers' | 'tenant' | 'outcome'>,
  row: TenantRow | undefined,
): Tenant | Refusal {
  if (!row) return refuse('unknown_host', { evidence: { host: ctx.host.slice(0, 255) } })
  ctx.outcome.tenant = row.slug
  ctx.tenant.name = row.name
  const refused = checkOrigin(ctx, row.allowedOrigins)
  if (refused) return refused
  ctx.readers.origin = originToAllow(ctx)
  return readTenant(row)
}
