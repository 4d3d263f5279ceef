/** What a Worker is given by wrangler.toml and its secrets: text that settings.ts checks, and the platform's bindings. */
import type { SettingTexts } from './settings.ts'

/** What `wrangler` puts into `env`. */
export type Bindings = SettingTexts & {
  /** The queue of what happened, which `jobs` consumes. */
  EVENTS?: MessageQueue
  /** The queue of webhook endpoints with something to deliver. */
  DELIVERIES?: MessageQueue
  /** Cloudflare's Email binding (`[[send_email]]` in wrangler.toml), for `MAIL_TRANSPORT=cloudflare`. */
  EMAIL?: EmailBinding
  /** The rate-limit binding for what needs no Redis. */
  EDGE_LIMITER?: RateLimiter
  /** The rate-limit binding for when Redis is down. */
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
