/**
 * The data dictionary: every table that Latchkey owns, with the constraints that decide uniqueness and single use.
 * Times are `timestamptz` and expiry is decided by the database's clock; ids are UUIDv7 made in the Worker.
 * Nothing here can be used if it leaks: bearer secrets are HMACs, private keys are sealed, passwords are PHC strings.
 */
import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  index,
  integer,
  jsonb,
  pgSequence,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { PublicJwk } from '../crypto/signing.ts'
import { SETTING_BOUNDS, SETTING_CHOICES } from './setting-bounds.ts'

const instant = (name: string) => timestamp(name, { withTimezone: true, mode: 'date' })
const createdAt = () => instant('created_at').notNull().default(sql`now()`)

/** Neon sends and receives bytea as `\x…` text over HTTP. */
const bytea = customType<{ data: Uint8Array; driverData: string }>({
  dataType: () => 'bytea',
  toDriver: (bytes) => `\\x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`,
})

/** A separate pool of users. `issuer` is the origin that names it in tokens (RFC 8414 §2), e.g. `https://auth.example.com`. */
/** What src/tenants/tenants.ts wants of settings, which holds for an operator's SQL too. */
function settingsAreValid(): string {
  const numbers = Object.entries(SETTING_BOUNDS).map(
    ([
      name,
      { least, most },
    ]) => `(not settings ? '${name}' or case when jsonb_typeof(settings -> '${name}') = 'number'
      then (settings -> '${name}')::numeric between ${least} and ${most} and (settings -> '${name}')::numeric % 1 = 0 else false end)`,
  )
  const choices = Object.entries(SETTING_CHOICES).map(
    ([name, texts]) =>
      `(not settings ? '${name}' or settings -> '${name}' in (${texts.map((text) => `'"${text}"'`).join(', ')}))`,
  )
  return ["jsonb_typeof(settings) = 'object'", ...numbers, ...choices].join(' and ')
}

export const tenants = pgTable(
  'tenants',
  {
    id: uuid('id').primaryKey(),
    slug: text('slug').notNull(),
    name: text('name').notNull(),
    issuer: text('issuer').notNull(),
    allowedOrigins: text('allowed_origins').array().notNull().default(sql`'{}'`),
    settings: jsonb('settings').$type<unknown>().notNull().default({}),
    /** Sealed: what Cloudflare knows the tenant's Turnstile widget by (src/turnstile/). */
    turnstileSecret: text('turnstile_secret'),
    /** A data URL, of the version that the setting `logo` names (src/tenants/logo.ts): no row that a request reads has it. */
    logo: text('logo'),
    createdAt: createdAt(),
    /** Since then it answers nowhere, and waits to be erased (ops/tenant-end.ts). */
    closedAt: instant('closed_at'),
  },
  (table) => [
    uniqueIndex('tenants_slug').on(table.slug),
    uniqueIndex('tenants_issuer').on(table.issuer),
    // `not valid` in its migration: what a tenant has stays, and is read as the default where it is wrong.
    check('tenants_settings', sql.raw(settingsAreValid())),
  ],
)

/** Finds the tenant by the request's host (with its port where that is not the scheme's own); joined inside each operation's query. */
export const tenantHosts = pgTable(
  'tenant_hosts',
  {
    host: text('host').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
  },
  (table) => [
    index('tenant_hosts_tenant').on(table.tenantId),
    check('tenant_hosts_lower_case', sql`${table.host} = lower(${table.host})`),
  ],
)

/** A person's account. `email` is the canonical form; erasure clears personal data, sets `deleted_at` and keeps the id. */
export const users = pgTable(
  'users',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    email: text('email'),
    emailVerifiedAt: instant('email_verified_at'),
    name: text('name'),
    /** The language of mail to them, a BCP 47 tag as they gave it; null is the tenant's. */
    locale: text('locale'),
    roles: text('roles').array().notNull().default(sql`'{}'`),
    status: text('status', { enum: ['active', 'disabled'] })
      .notNull()
      .default('active'),
    /** Whether they get mail that is not about their security, e.g. of a webhook that does not answer. */
    operationalMail: boolean('operational_mail').notNull().default(true),
    /** The id that the tenant's own product has for them. */
    externalId: text('external_id'),
    /** Written by the owner and by administrators; by administrators and keys alone. Objects, at most 4 KiB each. */
    publicMetadata: jsonb('public_metadata').$type<Record<string, unknown>>().notNull().default({}),
    privateMetadata: jsonb('private_metadata').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    /** When it was made, if nothing opens it before its address is proved; null from the first sign-in on (src/me/close-unproved.job.ts). */
    awaitsProofSince: instant('awaits_proof_since'),
    /** Since then the account is closed; until `erased_at` its owner may take that back. */
    deletedAt: instant('deleted_at'),
    erasedAt: instant('erased_at'),
    /** The epoch (src/accounts/epoch-store.ts): sessions that began before it are dead, whatever their rows say. */
    accessValidFrom: instant('access_valid_from'),
    /** Since when the account has a second factor that was confirmed; null without one. The door reads it from the locked row (src/sign-in/). */
    secondFactorSince: instant('second_factor_since'),
    /** Why the rows of those are yet to be ended; null when none is left. */
    endingReason: text('ending_reason', { enum: ['secured', 'closed', 'revoked'] }),
  },
  (table) => [
    // Not `unique(email)`: an erased account must not block the address for ever.
    uniqueIndex('users_tenant_email').on(table.tenantId, table.email).where(sql`deleted_at is null`),
    uniqueIndex('users_external_id')
      .on(table.tenantId, table.externalId)
      .concurrently()
      .where(sql`external_id is not null`),
    index('users_admins').on(table.tenantId).where(sql`'admin' = any(roles)`),
    // How administrators find accounts (src/access/find-store.ts).
    index('users_tenant').on(table.tenantId, table.id).concurrently(),
    index('users_email_prefix')
      .on(table.tenantId, table.email.op('text_pattern_ops'), table.id)
      .concurrently()
      .where(sql`email is not null`),
    index('users_not_open')
      .on(table.tenantId, table.id)
      .concurrently()
      .where(sql`erased_at is null and (status = 'disabled' or deleted_at is not null)`),
    index('users_roles').using('gin', table.roles).concurrently().where(sql`roles <> '{}'`),
    index('users_ending').on(table.id).where(sql`ending_reason is not null`).concurrently(),
    index('users_unproved')
      .on(table.tenantId, table.awaitsProofSince)
      .concurrently()
      .where(sql`awaits_proof_since is not null and email_verified_at is null and deleted_at is null`),
    index('users_to_erase').on(table.deletedAt).where(sql`deleted_at is not null and erased_at is null`),
    check('users_status', sql`${table.status} in ('active', 'disabled')`),
    check('users_live_has_email', sql`${table.deletedAt} is not null or ${table.email} is not null`),
  ],
)

/** One password per account. `key_id` names the pepper key, which the PHC string does not record. */
export const passwords = pgTable('passwords', {
  userId: uuid('user_id')
    .primaryKey()
    .references(() => users.id),
  tenantId: uuid('tenant_id')
    .notNull()
    .references(() => tenants.id),
  phc: text('phc').notNull(),
  keyId: text('key_id').notNull(),
  // Text, because a sign-in compares it exactly and a Date would drop the microseconds.
  changedAt: timestamp('changed_at', { withTimezone: true, mode: 'string' })
    .notNull()
    .default(sql`clock_timestamp()`),
})

/**
 * Failed password attempts in a row, for one `subject`: a digest of an address, whether or not it has an account (else
 * the answers would tell), or of an account and a browser that is known to it. Success deletes the row.
 */
export const signInFailures = pgTable(
  'sign_in_failures',
  {
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    subject: bytea('subject').notNull(),
    consecutiveFailures: integer('consecutive_failures').notNull(),
    nextAttemptAt: instant('next_attempt_at'),
    /** Attempts since the last failure that found themselves delayed only after their hash: what tells them from it. */
    lateAttempts: integer('late_attempts').notNull().default(0),
    lastAttemptAt: instant('last_attempt_at').notNull().default(sql`now()`),
    /** Whether there was an account at the last attempt; null in rows of a release that did not say. */
    hasAccount: boolean('has_account'),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.subject] }),
    index('sign_in_failures_last_attempt').on(table.lastAttemptAt),
    check('sign_in_failures_subject_length', sql`length(${table.subject}) = 32`),
  ],
)

/** A signed-in device. Its row is the lock of its family of refresh tokens: lock it first, always. */
/** Numbers the sessions of all tenants, for the status lists (src/sessions/status-list.ts). */
export const sessionStatus = pgSequence('session_status', { startWith: 0, minValue: 0 })

export const sessions = pgTable(
  'sessions',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    createdAt: createdAt(),
    /** When all others of the account ended last, and this one did not. */
    keptAt: instant('kept_at'),
    lastUsedAt: instant('last_used_at').notNull().default(sql`now()`),
    // Rotations since `refreshes_counted_from`: the limit of a session, on the row that each rotation writes anyway.
    refreshesCountedFrom: instant('refreshes_counted_from').notNull().default(sql`now()`),
    refreshes: integer('refreshes').notNull().default(0),
    expiresAt: instant('expires_at').notNull(),
    idleExpiresAt: instant('idle_expires_at').notNull(),
    revokedAt: instant('revoked_at'),
    revokeReason: text('revoke_reason', {
      enum: ['signed_out', 'revoked', 'reuse_detected', 'late_repeat', 'secured', 'closed', 'displaced'],
    }),
    authTime: instant('auth_time').notNull().default(sql`now()`),
    amr: text('amr').array().notNull(),
    aal: smallint('aal').notNull(),
    // Truncated before it is stored (IPv4 /24, IPv6 /48): a list of sessions needs no more, and a leak gives no more.
    address: text('address'),
    country: text('country'),
    city: text('city'),
    asnOrg: text('asn_org'),
    userAgent: text('user_agent'),
    deviceLabel: text('device_label'),
    /** Fingerprint (src/sessions/device.ts) of the device that refreshed last; address, country and network are of the same. */
    refreshedBy: text('refreshed_by'),
    /** Where the status lists say whether it has ended; null for sessions from before there were lists. */
    statusIndex: bigint('status_index', { mode: 'number' }).default(sql`nextval('session_status')`),
    /** The administrator who acts as the person in it (src/sign-in/impersonation-store.ts); null for the person's own. */
    impersonatorId: uuid('impersonator_id'),
  },
  (table) => [
    // The list of live sessions, by owner and in order of age; and the clean-up of dead ones.
    index('sessions_user').on(table.userId, table.id).where(sql`revoked_at is null`),
    // All of a person's sessions, by age: the newest tell a new device from one that was here before.
    index('sessions_history').on(table.userId, table.id).concurrently(),
    index('sessions_expires').on(table.expiresAt),
    index('sessions_revoked').on(table.revokedAt).where(sql`revoked_at is not null`),
    // What a status list has to name: of one tenant, what ended lately.
    index('sessions_status')
      .on(table.tenantId, table.revokedAt, table.statusIndex)
      .where(sql`revoked_at is not null`)
      .concurrently(),
  ],
)

/**
 * What begins in the place of a session (src/sign-in/): the first factor was passed, and a second one is needed, or has to be
 * added first (`enrol`; one row per account, which counts how often that was put off).
 */
export const mfaChallenges = pgTable(
  'mfa_challenges',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    purpose: text('purpose', { enum: ['sign_in', 'enrol'] }).notNull(),
    /** SHA-256 of the `lkm_…` token. */
    hash: bytea('hash').notNull(),
    /** What was passed (RFC 8176), and whether the browser was known to the account then. */
    amr: text('amr').array().notNull(),
    isKnownBrowser: boolean('is_known_browser').notNull(),
    /** Whether the first factor was a code or link by email: then no code is mailed. Rows of an older release count as such. */
    isByEmail: boolean('is_by_email').notNull().default(true),
    /** What the newest mailed code is derived from, the key of that, and the number of codes that were mailed. */
    codeId: uuid('code_id'),
    codeKeyId: text('code_key_id'),
    codesSent: smallint('codes_sent').notNull().default(0),
    /** Wrong codes against it, and sign-ins that could only add a factor. */
    attempts: smallint('attempts').notNull().default(0),
    signIns: integer('sign_ins').notNull().default(1),
    createdAt: createdAt(),
    expiresAt: instant('expires_at').notNull(),
    consumedAt: instant('consumed_at'),
  },
  (table) => [
    uniqueIndex('mfa_challenges_hash').on(table.hash),
    uniqueIndex('mfa_challenges_enrol').on(table.userId).where(sql`purpose = 'enrol'`),
    index('mfa_challenges_user').on(table.userId),
    index('mfa_challenges_expires').on(table.expiresAt),
    check('mfa_challenges_hash_length', sql`length(${table.hash}) = 32`),
    check('mfa_challenges_purpose', sql`${table.purpose} in ('sign_in', 'enrol')`),
  ],
)

/** Secrets of authenticator apps (RFC 6238), sealed. One that is not confirmed opens nothing; a new one takes its place. */
export const totpFactors = pgTable(
  'totp_factors',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    sealedSecret: text('sealed_secret').notNull(),
    createdAt: createdAt(),
    confirmedAt: instant('confirmed_at'),
    /** The last step of 30 seconds whose code was accepted: it and those before are refused. */
    lastUsedStep: bigint('last_used_step', { mode: 'number' }).notNull().default(0),
  },
  (table) => [
    uniqueIndex('totp_factors_confirmed').on(table.userId).where(sql`confirmed_at is not null`),
    uniqueIndex('totp_factors_pending').on(table.userId).where(sql`confirmed_at is null`),
    // For export and erasure, which take both kinds: neither of the two above answers for all of an account.
    index('totp_factors_user').on(table.userId).concurrently(),
    index('totp_factors_unconfirmed').on(table.createdAt).where(sql`confirmed_at is null`),
  ],
)

/** Codes for an owner who lost the second factor, each used once: its SHA-256, sealed, so that a rotation can move it. */
export const recoveryCodes = pgTable(
  'recovery_codes',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    sealedHash: text('sealed_hash').notNull(),
    createdAt: createdAt(),
    usedAt: instant('used_at'),
  },
  (table) => [index('recovery_codes_user').on(table.userId)],
)

/** Trusted browsers, which need no second factor: digests of what their cookies hold. */
export const trustedDevices = pgTable(
  'trusted_devices',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    /** SHA-256 of the cookie's secret, of the host and of what the browser calls itself. */
    hash: bytea('hash').notNull(),
    deviceLabel: text('device_label'),
    country: text('country'),
    createdAt: createdAt(),
    lastUsedAt: instant('last_used_at'),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    uniqueIndex('trusted_devices_hash').on(table.hash),
    index('trusted_devices_user').on(table.userId, table.id),
    index('trusted_devices_expires').on(table.expiresAt),
    check('trusted_devices_hash_length', sql`length(${table.hash}) = 32`),
  ],
)

/** What another system made HMACs of its API keys with, sealed: needed until each key that was imported from it has been used once. */
export const foreignKeySecrets = pgTable(
  'foreign_key_secrets',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    /** What an import calls it. */
    name: text('name').notNull(),
    sealedSecret: text('sealed_secret').notNull(),
    createdAt: createdAt(),
  },
  (table) => [uniqueIndex('foreign_key_secrets_name').on(table.tenantId, table.name)],
)

/**
 * API keys of people and of the tenant (src/api-keys/). A key has 256 random bits, so its SHA-256 is all that is kept; after a
 * rotation the one before counts until `previous_expires_at`.
 */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    /** Whose it is; null where it is the tenant's. */
    userId: uuid('user_id').references(() => users.id),
    name: text('name').notNull(),
    scopes: text('scopes').array().notNull(),
    hash: bytea('hash').notNull(),
    /** Made by another system, whose form it has: found by its hash. */
    isForeign: boolean('is_foreign').notNull().default(false),
    /** Until the first use `hash` is that system's HMAC, under this secret; null for a SHA-256. */
    foreignSecretId: uuid('foreign_secret_id').references(() => foreignKeySecrets.id),
    previousHash: bytea('previous_hash'),
    previousExpiresAt: instant('previous_expires_at'),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    /** Noted once in ten minutes at most. */
    lastUsedAt: instant('last_used_at'),
    /** When the owner, or the administrators, were told that it ends soon. */
    remindedAt: instant('reminded_at'),
    createdAt: createdAt(),
  },
  (table) => [
    index('api_keys_owner').on(table.tenantId, table.userId, table.id).where(sql`revoked_at is null`),
    index('api_keys_user').on(table.userId).where(sql`user_id is not null`),
    index('api_keys_over').on(table.revokedAt).where(sql`revoked_at is not null`),
    index('api_keys_ending')
      .on(table.expiresAt)
      .where(sql`expires_at is not null and revoked_at is null and reminded_at is null`),
    uniqueIndex('api_keys_foreign').on(table.tenantId, table.hash).where(sql`is_foreign`),
    index('api_keys_foreign_previous').on(table.tenantId, table.previousHash).where(sql`is_foreign`),
    index('api_keys_unused').on(table.foreignSecretId).where(sql`foreign_secret_id is not null`),
    check('api_keys_hash_length', sql`length(${table.hash}) = 32`),
  ],
)

/**
 * What an administrator asked for where an owner lost the second factors: they go when it is due, unless it is settled before.
 * One at a time waits for an account.
 */
export const secondFactorRemovals = pgTable(
  'second_factor_removals',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    requestedBy: uuid('requested_by').notNull(),
    reason: text('reason').notNull(),
    createdAt: createdAt(),
    dueAt: instant('due_at').notNull(),
    settledAt: instant('settled_at'),
    outcome: text('outcome', { enum: ['removed', 'cancelled', 'factor_used'] }),
  },
  (table) => [
    uniqueIndex('second_factor_removals_pending').on(table.userId).where(sql`settled_at is null`),
    index('second_factor_removals_due').on(table.dueAt).where(sql`settled_at is null`),
    index('second_factor_removals_listed').on(table.tenantId, table.id).where(sql`settled_at is null`),
    index('second_factor_removals_user').on(table.userId),
    index('second_factor_removals_settled').on(table.settledAt).where(sql`settled_at is not null`),
    check(
      'second_factor_removals_settled_with',
      sql`(${table.settledAt} is null) = (${table.outcome} is null)`,
    ),
  ],
)

/** One row per generation of a refresh token (RFC 9700 §4.14). The unique parent makes a fork impossible. */
export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    hash: bytea('hash').notNull(),
    keyId: text('key_id').notNull(),
    parentId: uuid('parent_id'),
    createdAt: createdAt(),
    usedAt: instant('used_at'),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    uniqueIndex('refresh_tokens_hash').on(table.hash),
    uniqueIndex('refresh_tokens_parent').on(table.parentId),
    index('refresh_tokens_session').on(table.sessionId),
    // For clean-up. Costs a rotation 155 bytes of WAL on top of the table's 1,207.
    index('refresh_tokens_expires').on(table.expiresAt).concurrently(),
    check('refresh_tokens_hash_length', sql`length(${table.hash}) = 32`),
  ],
)

/**
 * Links and codes that are mailed (src/one-time/): one row per purpose and holder, so that a newer one takes the place of
 * the older. Only a hash of the token is here, and what it proves. An address without an account leaves a row too, so that
 * asking for one, and trying one, costs the same; it identifies no one.
 */
export const oneTimeTokens = pgTable(
  'one_time_tokens',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id').references(() => users.id),
    purpose: text('purpose').notNull(),
    /**
     * The account's id (and the address, for what undoes a change of it; or a digest of the browser that asked, where the
     * account knows it), or a digest of an address without an account.
     */
    holder: text('holder').notNull(),
    /** The address that it was mailed to, and that using it proves. */
    subject: text('subject'),
    hash: bytea('hash').notNull(),
    keyId: text('key_id').notNull(),
    /** The two tokens of one change of address name the same. */
    flowId: uuid('flow_id'),
    /** What redeeming it grants besides: the roles of an invitation. */
    grants: text('grants').array().notNull().default(sql`'{}'`),
    /** HMAC of address and code, where there is a code; and the SHA-256 of what the asking browser's cookie holds. */
    codeHash: bytea('code_hash'),
    browserHash: bytea('browser_hash'),
    /** Wrong codes against this challenge, and in a row against all challenges of the account (NIST SP 800-63B-4 §3.2.2). */
    attempts: smallint('attempts').notNull().default(0),
    /** Those from the browser that asked, which are not among `attempts`. */
    ownAttempts: smallint('own_attempts').notNull().default(0),
    failures: integer('failures').notNull().default(0),
    createdAt: createdAt(),
    expiresAt: instant('expires_at').notNull(),
    consumedAt: instant('consumed_at'),
  },
  (table) => [
    uniqueIndex('one_time_tokens_newest').on(table.tenantId, table.purpose, table.holder),
    uniqueIndex('one_time_tokens_hash').on(table.hash),
    index('one_time_tokens_user').on(table.userId),
    index('one_time_tokens_expires').on(table.expiresAt),
    check('one_time_tokens_hash_length', sql`length(${table.hash}) = 32`),
  ],
)

/**
 * Passkeys (src/passkeys/): what a person's authenticator proves itself by. A public key and its id open nothing; a
 * credential belongs to one account of a tenant.
 */
export const passkeys = pgTable(
  'passkeys',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    credentialId: bytea('credential_id').notNull(),
    /** A COSE key (RFC 9052). */
    publicKey: bytea('public_key').notNull(),
    /** The highest signature counter that was seen; 0 where the authenticator has none. */
    counter: bigint('counter', { mode: 'number' }).notNull(),
    transports: text('transports').array().notNull().default(sql`'{}'`),
    /** Whether it may be copied to other devices of its owner, which never changes, and whether it has been. */
    backupEligible: boolean('backup_eligible').notNull(),
    backedUp: boolean('backed_up').notNull(),
    /** The model of the authenticator; zeros where it does not tell. */
    aaguid: uuid('aaguid').notNull(),
    name: text('name').notNull(),
    /** Whether its owner wants it asked for after another factor. */
    isSecondFactor: boolean('is_second_factor').notNull().default(false),
    /** Since when it is one; null too where the release before chose it. */
    secondFactorAt: instant('second_factor_at'),
    /** False of a second factor that stayed when the account was closed or given back: a thief may have added it. */
    signsIn: boolean('signs_in').notNull().default(true),
    /** From another system: its user handle is that system's, and whether it can be copied may be unknown. */
    isImported: boolean('is_imported').notNull().default(false),
    createdAt: createdAt(),
    lastUsedAt: instant('last_used_at'),
  },
  (table) => [
    uniqueIndex('passkeys_credential').on(table.tenantId, table.credentialId),
    index('passkeys_user').on(table.userId, table.id),
    check('passkeys_credential_id_length', sql`length(${table.credentialId}) between 1 and 1023`),
  ],
)

/**
 * WebAuthn challenges that were answered with success, until they would have expired: Redis hands a challenge out once,
 * and after a failover perhaps once more. The id is a digest of the challenge and of all that it is bound to.
 */
export const consumedCeremonies = pgTable(
  'consumed_ceremonies',
  {
    id: bytea('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    index('consumed_ceremonies_expires').on(table.expiresAt),
    check('consumed_ceremonies_id_length', sql`length(${table.id}) = 32`),
  ],
)

/** Where the people of a tenant may sign in besides (src/social/): one row is one provider, and no deploy. */
export const providers = pgTable(
  'providers',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    /** What it is called in paths. */
    slug: text('slug').notNull(),
    kind: text('kind').notNull(),
    name: text('name').notNull(),
    issuer: text('issuer').notNull(),
    clientId: text('client_id').notNull(),
    sealedSecret: text('sealed_secret').notNull(),
    /** Ids that a kind needs besides, e.g. those of the team and the key at Apple. */
    settings: jsonb('settings').$type<Record<string, string>>().notNull().default({}),
    scopes: text('scopes').array().notNull(),
    /** Of e-mail addresses that it proves; empty for all. */
    allowedDomains: text('allowed_domains').array().notNull().default(sql`'{}'`),
    mayRegister: boolean('may_register').notNull().default(true),
    /** Whether a new identity is linked to the account of its address where both sides have proved that: `verified` or `never`. */
    linkPolicy: text('link_policy', { enum: ['verified', 'never'] })
      .notNull()
      .default('verified'),
    /** Whether a second factor that the provider asked for counts as one. */
    trustsAssurance: boolean('trusts_assurance').notNull().default(false),
    enabled: boolean('enabled').notNull().default(true),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
  },
  (table) => [
    uniqueIndex('providers_slug').on(table.tenantId, table.slug),
    check('providers_link_policy', sql`${table.linkPolicy} in ('verified', 'never')`),
  ],
)

/** Who a person is at a provider: issuer and subject, and never an address, which can change hands. */
export const identities = pgTable(
  'identities',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    /** The slug of the provider that it was linked by. */
    provider: text('provider').notNull(),
    issuer: text('issuer').notNull(),
    subject: text('subject').notNull(),
    /** What the provider said then; nothing is decided by it. */
    emailAtLink: text('email_at_link'),
    linkedAt: instant('linked_at').notNull().default(sql`now()`),
    lastUsedAt: instant('last_used_at'),
  },
  (table) => [
    uniqueIndex('identities_subject').on(table.tenantId, table.issuer, table.subject),
    index('identities_user').on(table.userId, table.id),
    check('identities_subject_length', sql`length(${table.subject}) between 1 and 255`),
  ],
)

/** States of flows that have ended, until they would have expired: Redis may hand one out again after a failover. */
export const oauthStates = pgTable(
  'oauth_states',
  {
    id: bytea('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    index('oauth_states_expires').on(table.expiresAt),
    check('oauth_states_id_length', sql`length(${table.id}) = 32`),
  ],
)

/** Codes that an app exchanges for tokens: once, within a minute, with what its `code_challenge` was made of. */
export const oauthExchanges = pgTable(
  'oauth_exchanges',
  {
    /** SHA-256 of the code. */
    codeHash: bytea('code_hash').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id),
    codeChallenge: text('code_challenge').notNull(),
    /** What was passed at the provider (RFC 8176), and the level that it reaches. */
    amr: text('amr').array().notNull(),
    aal: smallint('aal').notNull(),
    createdAt: createdAt(),
    expiresAt: instant('expires_at').notNull(),
    consumedAt: instant('consumed_at'),
  },
  (table) => [
    index('oauth_exchanges_user').on(table.userId),
    index('oauth_exchanges_expires').on(table.expiresAt),
    check('oauth_exchanges_code_hash_length', sql`length(${table.codeHash}) = 32`),
  ],
)

/** The deployment's signing keys; every Worker and region reads the same rows. */
export const signingKeys = pgTable(
  'signing_keys',
  {
    kid: text('kid').primaryKey(),
    algorithm: text('alg', { enum: ['EdDSA', 'ES256'] }).notNull(),
    publicJwk: jsonb('public_jwk').$type<PublicJwk>().notNull(),
    sealedPrivateJwk: text('sealed_private_jwk').notNull(),
    state: text('state', { enum: ['next', 'current', 'retired'] }).notNull(),
    createdAt: createdAt(),
    activatedAt: instant('activated_at'),
    expiresAt: instant('expires_at'),
  },
  (table) => [
    // At most one current key and one next key, also under concurrent rotations.
    uniqueIndex('signing_keys_state_once').on(table.state).where(sql`state <> 'retired'`),
    check('signing_keys_state', sql`${table.state} in ('next', 'current', 'retired')`),
  ],
)

/**
 * The ids of AUTH_KEYS that the deployment knows (src/keys/auth-keys.ts): written by the operator who adds one, and by the
 * statement that first makes something under it. So a Worker without that key can tell that it is the Worker that is wrong.
 */
export const authKeys = pgTable('auth_keys', {
  keyId: text('key_id').primaryKey(),
  addedAt: instant('added_at').notNull().default(sql`now()`),
  /** Since then things are made under it; null while it is only handed out. */
  inUseSince: instant('in_use_since'),
})

/** Which key ids a Worker holds, newest first, as it reported while a key was being handed out. */
export const deployedKeyrings = pgTable(
  'deployed_keyrings',
  {
    worker: text('worker').notNull(),
    keyIds: text('key_ids').notNull(),
    seenAt: instant('seen_at').notNull().default(sql`now()`),
  },
  (table) => [primaryKey({ columns: [table.worker, table.keyIds] })],
)

/** The answer to a request that carried an `Idempotency-Key`, sealed, written in the same statement as its effect. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    /** Who asked: a user's id, or `anonymous`. */
    actor: text('actor').notNull(),
    operation: text('operation').notNull(),
    key: text('key').notNull(),
    sealedAnswer: text('sealed_answer').notNull(),
    /** The code of the refusal where there was no effect; then the sealed answer was never true. */
    refused: text('refused'),
    createdAt: createdAt(),
    expiresAt: instant('expires_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenantId, table.actor, table.operation, table.key] }),
    index('idempotency_keys_expires').on(table.expiresAt),
  ],
)

/** The outbox: what happened, written in the same statement or batch as the change itself. */
export const events = pgTable(
  'events',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    type: text('type').notNull(),
    subject: uuid('subject'),
    actor: uuid('actor'),
    data: jsonb('data').$type<Record<string, unknown>>().notNull().default({}),
    client: jsonb('client').$type<Record<string, string | null>>(),
    createdAt: createdAt(),
    dispatchedAt: instant('dispatched_at'),
    /** In which order the sweep takes them (src/events/priority.ts); the smallest first. */
    priority: smallint('priority').notNull().default(1),
    /** How often a sink could not take it for a reason of the event's own, which sink it was, and when it is tried again. */
    refusals: smallint('refusals').notNull().default(0),
    refusedBy: text('refused_by'),
    retryAt: instant('retry_at'),
    /** Refused too often: tried no more until an operator says so (npm run events). */
    parkedAt: instant('parked_at'),
  },
  (table) => [
    index('events_pending')
      .on(table.priority, table.id)
      .concurrently()
      .where(sql`dispatched_at is null and parked_at is null`),
    index('events_parked').on(table.id).concurrently().where(sql`parked_at is not null`),
    // For the release before: its sweep has this order.
    index('events_undispatched').on(table.id).where(sql`dispatched_at is null`),
    // What an erasure looks for.
    index('events_subject').on(table.subject).where(sql`subject is not null`),
    index('events_actor')
      .on(table.actor)
      .concurrently()
      .where(sql`actor is not null and actor is distinct from subject`),
    index('events_dispatched').on(table.dispatchedAt).where(sql`dispatched_at is not null`),
  ],
)

/** Work that the last run of an hourly job left unfinished, and how many runs in a row did (src/housekeeping/run.ts). */
export const backlogs = pgTable('backlogs', {
  kind: text('kind').primaryKey(),
  runs: integer('runs').notNull().default(1),
  since: instant('since').notNull().default(sql`now()`),
  countedAt: instant('counted_at').notNull().default(sql`now()`),
})

/** What the personal fields of a person's audit rows are sealed under; deleting the row is how those are erased. A tenant's own key is for rows of no one. */
export const personKeys = pgTable('person_keys', {
  userId: uuid('user_id').primaryKey(),
  tenantId: uuid('tenant_id')
    .notNull()
    .references(() => tenants.id),
  sealedKey: text('sealed_key').notNull(),
  createdAt: createdAt(),
})

/** Who is mailed about which event, once. No address and no text: both are read when it is sent. */
export const mails = pgTable(
  'mails',
  {
    eventId: uuid('event_id').notNull(),
    userId: uuid('user_id').notNull(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    template: text('template').notNull(),
    state: text('state', { enum: ['pending', 'sent', 'dropped'] })
      .notNull()
      .default('pending'),
    attempts: integer('attempts').notNull().default(0),
    /** Until then one consumer is sending it. */
    claimedUntil: instant('claimed_until'),
    nextAttemptAt: instant('next_attempt_at').notNull().default(sql`now()`),
    /** Why it was dropped, or why the last attempt failed: a code of ours, never a provider's text. */
    reason: text('reason'),
    createdAt: createdAt(),
    settledAt: instant('settled_at'),
  },
  (table) => [
    primaryKey({ columns: [table.eventId, table.userId] }),
    index('mails_of_recipient').on(table.userId, table.settledAt),
    index('mails_due').on(table.nextAttemptAt).where(sql`state = 'pending'`),
    // What the console counts (src/mailer/drops-store.ts).
    index('mails_failed')
      .on(table.tenantId, table.settledAt)
      .concurrently()
      .where(sql`state = 'dropped' and reason <> 'superseded' and reason <> 'no_recipient'`),
    index('mails_settled').on(table.settledAt).where(sql`state <> 'pending'`),
    check('mails_state', sql`${table.state} in ('pending', 'sent', 'dropped')`),
  ],
)

/** Where a tenant wants its events delivered. Secrets are sealed; the one before a rotation signs until it expires. */
export const webhookEndpoints = pgTable(
  'webhook_endpoints',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    url: text('url').notNull(),
    description: text('description'),
    events: text('events').array().notNull(),
    state: text('state', { enum: ['enabled', 'disabled'] })
      .notNull()
      .default('enabled'),
    /** `by_admin`; `gone` when the receiver answered 410; `failing` when it has only failed for days; `deleted`. */
    disabledReason: text('disabled_reason'),
    sealedSecret: text('sealed_secret').notNull(),
    sealedPreviousSecret: text('sealed_previous_secret'),
    previousSecretExpiresAt: instant('previous_secret_expires_at'),
    /** Attempts that failed since the last success, and since when; until `paused_until` there is none. */
    consecutiveFailures: integer('consecutive_failures').notNull().default(0),
    failingSince: instant('failing_since'),
    pausedUntil: instant('paused_until'),
    createdAt: createdAt(),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
    /** Since then it is disabled for good and shown to no one; its deliveries go in batches, and it with the last. */
    deletedAt: instant('deleted_at'),
  },
  (table) => [
    index('webhook_endpoints_tenant').on(table.tenantId, table.id),
    check('webhook_endpoints_state', sql`${table.state} in ('enabled', 'disabled')`),
  ],
)

/** One event for one endpoint. `payload` is the body, byte for byte the same in every attempt. */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    id: uuid('id').primaryKey(),
    tenantId: uuid('tenant_id')
      .notNull()
      .references(() => tenants.id),
    endpointId: uuid('endpoint_id')
      .notNull()
      .references(() => webhookEndpoints.id, { onDelete: 'cascade' }),
    eventId: uuid('event_id').notNull(),
    type: text('type').notNull(),
    payload: text('payload').notNull(),
    state: text('state', { enum: ['pending', 'delivered', 'dead'] })
      .notNull()
      .default('pending'),
    attempts: smallint('attempts').notNull().default(0),
    nextAttemptAt: instant('next_attempt_at').notNull().default(sql`now()`),
    /** Until then one consumer is delivering it: what limits the concurrency of an endpoint. */
    claimedUntil: instant('claimed_until'),
    lastStatus: smallint('last_status'),
    /** A code of ours, e.g. `timeout`; never the receiver's text. */
    lastError: text('last_error'),
    lastDurationMs: integer('last_duration_ms'),
    /** Why it is dead: `attempts` have all failed, it is `too_old`, or `endpoint_disabled`. */
    deadReason: text('dead_reason'),
    createdAt: createdAt(),
    /** Pending after that, it is dead. A replay begins anew. */
    expiresAt: instant('expires_at').notNull().default(sql`now() + interval '3 days'`),
    settledAt: instant('settled_at'),
  },
  (table) => [
    uniqueIndex('webhook_deliveries_once').on(table.eventId, table.endpointId),
    index('webhook_deliveries_endpoint').on(table.endpointId, table.id),
    // What claims read: what is due, in their order; and how much is under way.
    index('webhook_deliveries_next')
      .on(table.endpointId, table.nextAttemptAt, table.id)
      .concurrently()
      .where(sql`state = 'pending'`),
    index('webhook_deliveries_claimed')
      .on(table.endpointId, table.claimedUntil)
      .concurrently()
      .where(sql`state = 'pending' and claimed_until is not null`),
    index('webhook_deliveries_expiring')
      .on(table.endpointId, table.expiresAt)
      .concurrently()
      .where(sql`state = 'pending'`),
    // What administrators read: a page of one state; and ask for: the oldest that are settled since a time.
    index('webhook_deliveries_listed').on(table.endpointId, table.state, table.id).concurrently(),
    index('webhook_deliveries_replayed')
      .on(table.endpointId, table.state, table.createdAt, table.id)
      .concurrently()
      .where(sql`state <> 'pending'`),
    index('webhook_deliveries_settled').on(table.settledAt).where(sql`state <> 'pending'`),
    check('webhook_deliveries_state', sql`${table.state} in ('pending', 'delivered', 'dead')`),
  ],
)
