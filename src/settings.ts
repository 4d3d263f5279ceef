/**
 * Turns a Worker's bindings into Settings, once for each object of bindings, so that a rotated secret or a moved database
 * needs no restart. Refuses to serve when a setting that the Worker needs is missing or malformed, and names it;
 * never prints a value.
 */
import * as v from 'valibot'
import { findSharedKey, type Keyring, parseKeyring } from './crypto/keyring.ts'
import { misconfigured, refuseLocalSettings, refuseRemoteUpstreams } from './environments.ts'

/** The secrets that a Worker may need. Each Worker states its own (least privilege); see `src/workers/`. */
export const SECRETS = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'AUTH_KEYS',
  'SIGNING_SEAL_KEYS',
] as const
export type Secret = (typeof SECRETS)[number]

/** Secrets that change what a Worker does, where they are set; none refuses to serve without them. */
export const OPTIONAL_SECRETS = ['AUDIT_DATABASE_URL', 'RESEND_API_KEY', 'SERVICE_KEYS'] as const

export type Settings = {
  /** `local` is the development stack alone: it may use plain http to this machine. Anything else is production. */
  environment: 'production' | 'local'
  databaseUrl: string
  redis: { url: string; token: string }
  authKeys: Keyring
  signingSealKeys: Keyring
  /** What the credentials of trusted callers are derived from; null where there are none (http/trusted-caller.ts). */
  serviceKeys: Keyring | null
  redisTimeoutMs: number
  postgresTimeoutMs: number
  requestTimeoutMs: number
  argon2: { memoryKiB: number; iterations: number; parallelism: number }
  /** Password hashes that an isolate takes on at a time, and how long one may wait to begin; the rest is refused at once. */
  maxHashesInFlight: number
  hashWaitMs: number
  /** Raises every limit in Redis and PostgreSQL; 1 in production, more only on the local stack (benchmarks and load tests). */
  limitsMultiplier: number
  /** Whether Upstash's console is told how many requests pass the limits. */
  limitAnalytics: boolean
  serverTiming: boolean
  /** The audit log's own database, or the main one. */
  auditDatabaseUrl: string
  /** Months of the audit log that are kept besides the current one. */
  auditRetentionMonths: number
  signing: { algorithm: 'EdDSA' | 'ES256'; keyDays: number }
  /** What a query of a job may take: no one waits for it. */
  jobPostgresTimeoutMs: number
  /** What one run of an hourly job may take; what is left then is the next hour's. */
  jobSeconds: number
  mail: MailSettings
  webhooks: { timeoutMs: number }
  /** What we call at addresses that tenants give us (http/outbound.ts). */
  outbound: { allowPrivateTargets: boolean; dnsOverHttpsUrl: string }
  turnstileVerifyUrl: string
  /** The range API in which chosen passwords are looked up; with a null URL no one is asked. */
  breachedPasswords: { url: string | null; timeoutMs: number }
}

/** How mail leaves. `none` sends nothing, and says so in the log. */
export type MailSettings =
  | { transport: 'none' }
  | { transport: 'cloudflare'; from: string }
  | { transport: 'resend'; from: string; url: string; apiKey: string }
  | { transport: 'mailbox'; from: string; url: string }

const KEYRINGS = ['AUTH_KEYS', 'SIGNING_SEAL_KEYS', 'SERVICE_KEYS'] as const
type KeyringName = (typeof KEYRINGS)[number]

const milliseconds = (fallback: number) => integer(fallback, 10, 60_000)
const integer = (fallback: number, least: number, most: number) =>
  v.optional(
    v.pipe(v.string(), v.regex(/^[0-9]{1,9}$/), v.transform(Number), v.minValue(least), v.maxValue(most)),
    String(fallback),
  )

/** The text of each setting: what it is for is the comment above it, which `npm run docs` writes into docs/settings.md. */
export const SETTING_SHAPE = v.object({
  /** `local` permits the development stack, and no database or Redis of another machine. */
  ENVIRONMENT: v.optional(v.picklist(['production', 'local']), 'production'),
  /** Connection string of Neon. */
  DATABASE_URL: v.optional(v.pipe(v.string(), v.check(isPostgresUrl))),
  /** The REST endpoint of Upstash. */
  UPSTASH_REDIS_REST_URL: v.optional(v.pipe(v.string(), v.url())),
  /** The token of that endpoint. */
  UPSTASH_REDIS_REST_TOKEN: v.optional(v.pipe(v.string(), v.minLength(1))),
  /** Keyring `k2:<base64>,k1:<base64>`, newest first. Token hashes, pepper and limits are derived from it. */
  AUTH_KEYS: v.optional(v.string()),
  /** Keyring that seals the private signing keys. Only for Workers that issue tokens; it shares no key with `AUTH_KEYS`. */
  SIGNING_SEAL_KEYS: v.optional(v.string()),
  /** Keyring that credentials of trusted servers are made from, for every Worker that they call. It shares no key with the others. */
  SERVICE_KEYS: v.optional(v.string()),
  /** Deadline of a call to Redis. */
  REDIS_TIMEOUT_MS: milliseconds(250),
  /** Deadline of a query of a request. */
  POSTGRES_TIMEOUT_MS: milliseconds(2_000),
  /** Deadline of a whole request. */
  REQUEST_TIMEOUT_MS: milliseconds(8_000),
  /** Memory of a password hash. Raising it hashes anew at the next sign-in. Production refuses less than the default (OWASP's second row: 19 MiB, two iterations); above the most, two hashes in flight do not fit into an isolate. */
  ARGON2_MEMORY_KIB: integer(19_456, 8, 47_104),
  /** Iterations of a password hash. */
  ARGON2_ITERATIONS: integer(2, 2, 10),
  // One hash takes 30 to 40 ms of the one thread, so the last of eight is answered within a third of a second.
  /** Password hashes that an isolate takes on at a time; the rest is 503 `overloaded`. */
  MAX_HASHES_IN_FLIGHT: integer(8, 1, 1000),
  /** How long a hash may wait to begin; then the request is 503 `overloaded`. */
  HASH_WAIT_MS: milliseconds(250),
  /** Raises every limit. Must be 1 in production. */
  LIMITS_MULTIPLIER: integer(1, 1, 1_000_000),
  /** `on` shows in Upstash's console how many requests of each operation passed and were refused: one or two more commands a request, after the answer. */
  LIMIT_ANALYTICS: v.optional(v.picklist(['on', 'off']), 'off'),
  /** `on` adds trips and durations to every answer. Keep it off in production: it tells accounts apart. */
  SERVER_TIMING: v.optional(v.picklist(['on', 'off']), 'off'),
  /** A database of its own for the audit log, for `jobs`, `admin`, `session` and `pages`; the main one when absent. docs/events.md says how to move it. */
  AUDIT_DATABASE_URL: v.optional(v.pipe(v.string(), v.check(isPostgresUrl))),
  /** Months of the audit log that are kept besides the current one; older ones are dropped whole. */
  AUDIT_RETENTION_MONTHS: integer(13, 1, 120),
  /** The algorithm of the next signing key. */
  SIGNING_ALGORITHM: v.optional(v.picklist(['EdDSA', 'ES256']), 'EdDSA'),
  /** How long a key signs before its successor does. */
  SIGNING_KEY_DAYS: integer(90, 1, 3650),
  /** Deadline of a query of a queue consumer or cron. */
  JOB_POSTGRES_TIMEOUT_MS: milliseconds(30_000),
  // The all-in-one has a second of CPU for a cron; a job as a whole has ten minutes (context.ts).
  /** What one run of an hourly job may take; the next hour goes on. Two runs in a row that leave work of one kind are an `ALARM` line. `jobs` has 240. */
  JOB_SECONDS: integer(10, 1, 500),
  /** How mail leaves. `cloudflare` uses the binding `EMAIL`; `none` drops mail and the log says so; `mailbox` is for the local stack. */
  MAIL_TRANSPORT: v.optional(v.picklist(['none', 'cloudflare', 'resend', 'mailbox']), 'none'),
  /** The address that mail comes from, of a domain that the provider has verified. Its name is the tenant's. */
  MAIL_FROM: v.optional(v.pipe(v.string(), v.regex(/^[^\s<>@]{1,64}@[^\s<>@]{1,253}$/))),
  /** Where `resend` or `mailbox` is posted to; Resend's own address when absent. */
  MAIL_URL: v.optional(v.pipe(v.string(), v.url())),
  /** Key of Resend, for `jobs` alone. */
  RESEND_API_KEY: v.optional(v.pipe(v.string(), v.regex(/^[!-~]{1,200}$/))),
  /** How long a receiver of webhooks may take altogether. */
  WEBHOOK_TIMEOUT_MS: milliseconds(15_000),
  /** `allowed` lets webhooks reach private addresses, on the local stack only. */
  WEBHOOK_PRIVATE_TARGETS: v.optional(v.picklist(['allowed', 'refused']), 'refused'),
  /** Who is asked for a receiver's addresses (RFC 8484, JSON). */
  DNS_OVER_HTTPS_URL: v.optional(v.pipe(v.string(), v.url()), 'https://cloudflare-dns.com/dns-query'),
  /** Where Cloudflare is asked about a token of Turnstile, for tenants that want it. */
  TURNSTILE_VERIFY_URL: v.optional(
    v.pipe(v.string(), v.url()),
    'https://challenges.cloudflare.com/turnstile/v0/siteverify',
  ),
  /** `hibp` also refuses a new password that the range API of Have I Been Pwned knows. Five characters of its SHA-1 leave. */
  BREACHED_PASSWORDS: v.optional(v.picklist(['off', 'hibp']), 'off'),
  /** The range API, or a mirror of it. The prefix of the hash is put behind it. */
  BREACHED_PASSWORDS_URL: v.optional(
    v.pipe(v.string(), v.url(), v.regex(/^[^?#]*\/$/)),
    'https://api.pwnedpasswords.com/range/',
  ),
  /** How long it is asked, before the bundled list decides alone. */
  BREACHED_PASSWORDS_TIMEOUT_MS: milliseconds(500),
})

/** The settings as a Worker is given them: text, checked here and nowhere else. */
export type SettingTexts = { [Name in keyof typeof SETTING_SHAPE.entries]?: string }

/** Every name that means something to a Worker, secret or not: what a child process of the local stack starts without. */
export const SETTING_NAMES: readonly string[] = Object.keys(SETTING_SHAPE.entries)

/**
 * The settings of `bindings`, read at their first request and kept exactly as long as that object: the platform gives each
 * version of a Worker an object of its own, and a rotated secret is a new version. Reading them anew cost each request
 * half a millisecond of CPU, and with them goes what is derived from their keys (crypto/keyring.ts).
 * @throws Fault as `readSettings`; what is refused is not kept
 */
export const settingsOf = createSettingsReader()

function createSettingsReader(): typeof readSettings {
  const read = new WeakMap<SettingTexts, { needed: readonly Secret[]; settings: Settings }>()
  return (bindings, needed) => {
    const kept = read.get(bindings)
    // A Worker has one list of what it needs.
    if (kept?.needed === needed) return kept.settings
    const settings = Object.freeze(readSettings(bindings, needed))
    read.set(bindings, { needed, settings })
    return settings
  }
}

/**
 * Reads the bindings. A secret outside `needed` may be absent: touching it then is a fault that names it.
 * @throws Fault `internal_error` naming the first setting that is missing, malformed or not allowed in its environment
 */
export function readSettings(bindings: SettingTexts, needed: readonly Secret[]): Settings {
  const parsed = v.safeParse(SETTING_SHAPE, bindings)
  if (!parsed.success) throw misconfigured(String(parsed.issues[0].path?.[0]?.key), 'is malformed')
  const values = parsed.output
  for (const name of needed) if (!values[name]) throw misconfigured(name, 'is missing')
  if (values.ENVIRONMENT === 'production') refuseLocalSettings(values)
  else refuseRemoteUpstreams(values)

  const { authKeys, signingSealKeys, serviceKeys } = readKeyrings(values, needed)
  return {
    environment: values.ENVIRONMENT,
    get databaseUrl() {
      return values.DATABASE_URL ?? notGiven('DATABASE_URL')
    },
    get redis() {
      return {
        url: values.UPSTASH_REDIS_REST_URL ?? notGiven('UPSTASH_REDIS_REST_URL'),
        token: values.UPSTASH_REDIS_REST_TOKEN ?? notGiven('UPSTASH_REDIS_REST_TOKEN'),
      }
    },
    get authKeys() {
      return authKeys ?? notGiven('AUTH_KEYS')
    },
    get signingSealKeys() {
      return signingSealKeys ?? notGiven('SIGNING_SEAL_KEYS')
    },
    serviceKeys,
    redisTimeoutMs: values.REDIS_TIMEOUT_MS,
    postgresTimeoutMs: values.POSTGRES_TIMEOUT_MS,
    requestTimeoutMs: values.REQUEST_TIMEOUT_MS,
    argon2: { memoryKiB: values.ARGON2_MEMORY_KIB, iterations: values.ARGON2_ITERATIONS, parallelism: 1 },
    maxHashesInFlight: values.MAX_HASHES_IN_FLIGHT,
    hashWaitMs: values.HASH_WAIT_MS,
    limitsMultiplier: values.LIMITS_MULTIPLIER,
    limitAnalytics: values.LIMIT_ANALYTICS === 'on',
    serverTiming: values.SERVER_TIMING === 'on',
    get auditDatabaseUrl() {
      return values.AUDIT_DATABASE_URL ?? this.databaseUrl
    },
    auditRetentionMonths: values.AUDIT_RETENTION_MONTHS,
    signing: { algorithm: values.SIGNING_ALGORITHM, keyDays: values.SIGNING_KEY_DAYS },
    jobPostgresTimeoutMs: values.JOB_POSTGRES_TIMEOUT_MS,
    jobSeconds: values.JOB_SECONDS,
    mail: readMail(values),
    webhooks: { timeoutMs: values.WEBHOOK_TIMEOUT_MS },
    outbound: {
      allowPrivateTargets: values.WEBHOOK_PRIVATE_TARGETS === 'allowed',
      dnsOverHttpsUrl: values.DNS_OVER_HTTPS_URL,
    },
    turnstileVerifyUrl: values.TURNSTILE_VERIFY_URL,
    breachedPasswords: {
      url: values.BREACHED_PASSWORDS === 'hibp' ? values.BREACHED_PASSWORDS_URL : null,
      timeoutMs: values.BREACHED_PASSWORDS_TIMEOUT_MS,
    },
  }
}

/** A transport is only chosen together with what it needs. */
function readMail(values: v.InferOutput<typeof SETTING_SHAPE>): MailSettings {
  const { MAIL_TRANSPORT: transport, MAIL_FROM: from, MAIL_URL: url, RESEND_API_KEY: apiKey } = values
  if (transport === 'none') return { transport }
  if (!from) throw misconfigured('MAIL_FROM', 'is missing')
  if (transport === 'cloudflare') return { transport, from }
  if (transport === 'resend') {
    if (!apiKey) throw misconfigured('RESEND_API_KEY', 'is missing')
    return { transport, from, apiKey, url: url ?? 'https://api.resend.com/emails' }
  }
  if (!url) throw misconfigured('MAIL_URL', 'is missing')
  return { transport, from, url }
}

/** Each is read once: that is a good part of what a refused request costs. */
function readKeyrings(values: v.InferOutput<typeof SETTING_SHAPE>, needed: readonly Secret[]) {
  const isRead = KEYRINGS.some((name) => (name === 'SERVICE_KEYS' ? values[name] : needed.includes(name)))
  const given = isRead
    ? KEYRINGS.flatMap((name) => (values[name] ? [{ name, ring: readKeyring(values[name], name) }] : []))
    : []
  refuseSharedKeys(given)
  const ringOf = (wanted: KeyringName) => given.find(({ name }) => name === wanted)?.ring ?? null
  return {
    authKeys: needed.includes('AUTH_KEYS') ? ringOf('AUTH_KEYS') : null,
    signingSealKeys: needed.includes('SIGNING_SEAL_KEYS') ? ringOf('SIGNING_SEAL_KEYS') : null,
    serviceKeys: ringOf('SERVICE_KEYS'),
  }
}

function readKeyring(text: string, name: KeyringName): Keyring {
  try {
    return parseKeyring(text)
  } catch (error) {
    // The keyring's own message names the entry and never echoes it.
    const reason = error instanceof Error ? error.message : 'unreadable'
    throw misconfigured(name, `is not a keyring (k2:<base64 of 32 bytes>,k1:…): ${reason}`)
  }
}

/** Two keyrings with one key are one secret: an attacker who learns either could forge what the other protects. */
function refuseSharedKeys(given: { name: KeyringName; ring: Keyring }[]): void {
  for (const [index, { name, ring }] of given.entries())
    for (const earlier of given.slice(0, index)) {
      const shared = findSharedKey(ring, earlier.ring)
      if (shared)
        throw misconfigured(
          name,
          `has in entry ${shared} a key that ${earlier.name} has too; make one of its own with "npm run keys -- secret"`,
        )
    }
}

function notGiven(name: Secret): never {
  throw misconfigured(name, 'is not given to this Worker')
}

function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:$/.test(URL.parse(text)?.protocol ?? '')
}
