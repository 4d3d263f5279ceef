/** What a Worker is given by wrangler.toml and its secrets: text that settings.ts checks, and the platform's bindings. */

/** What `wrangler` puts into `env`: text, checked here and nowhere else, and the bindings of wrangler.toml. */
export type Bindings = {
  ENVIRONMENT?: string
  DATABASE_URL?: string
  UPSTASH_REDIS_REST_URL?: string
  UPSTASH_REDIS_REST_TOKEN?: string
  AUTH_KEYS?: string
  SIGNING_SEAL_KEYS?: string
  SERVICE_KEYS?: string
  REDIS_TIMEOUT_MS?: string
  POSTGRES_TIMEOUT_MS?: string
  REQUEST_TIMEOUT_MS?: string
  ARGON2_MEMORY_KIB?: string
  ARGON2_ITERATIONS?: string
  MAX_HASHES_IN_FLIGHT?: string
  HASH_WAIT_MS?: string
  LIMITS_MULTIPLIER?: string
  LIMIT_ANALYTICS?: string
  SERVER_TIMING?: string
  AUDIT_DATABASE_URL?: string
  AUDIT_RETENTION_MONTHS?: string
  SIGNING_ALGORITHM?: string
  SIGNING_KEY_DAYS?: string
  JOB_POSTGRES_TIMEOUT_MS?: string
  JOB_SECONDS?: string
  MAIL_TRANSPORT?: string
  MAIL_FROM?: string
  MAIL_URL?: string
  RESEND_API_KEY?: string
  WEBHOOK_TIMEOUT_MS?: string
  WEBHOOK_PRIVATE_TARGETS?: string
  DNS_OVER_HTTPS_URL?: string
  BREACHED_PASSWORDS?: string
  BREACHED_PASSWORDS_URL?: string
  BREACHED_PASSWORDS_TIMEOUT_MS?: string
  EVENTS?: MessageQueue
  DELIVERIES?: MessageQueue
  EMAIL?: EmailBinding
  EDGE_LIMITER?: RateLimiter
  FALLBACK_LIMITER?: RateLimiter
}

/** The Workers rate-limit binding: counts per location, at once and approximately. */
export type RateLimiter = { limit(options: { key: string }): Promise<{ success: boolean }> }

/** A Cloudflare Queue that we send to: at most 100 messages or 256 KB at a time. */
export type MessageQueue = {
  sendBatch(messages: { body: unknown; delaySeconds?: number }[]): Promise<unknown>
}

/** The Cloudflare Email binding (`send_email`). */
export type EmailBinding = {
  send(message: {
    to: string
    from: { email: string; name: string }
    subject: string
    text: string
    html: string
    headers: Record<string, string>
  }): Promise<unknown>
}
