/**
 * What an environment may be given: production nothing of this machine, and the local stack no database of another.
 * A refusal names the setting, never its value.
 */
import { Fault } from './problem.ts'

/** The settings that say where something is, or that only a development stack may change. */
type Addresses = {
  DATABASE_URL?: string | undefined
  AUDIT_DATABASE_URL?: string | undefined
  UPSTASH_REDIS_REST_URL?: string | undefined
  MAIL_TRANSPORT: string
  MAIL_URL?: string | undefined
  DNS_OVER_HTTPS_URL: string
  BREACHED_PASSWORDS_URL: string
  TURNSTILE_VERIFY_URL: string
  WEBHOOK_PRIVATE_TARGETS: string
  LIMITS_MULTIPLIER: number
  ARGON2_MEMORY_KIB: number
}

/** OWASP's second row: Argon2id of 19 MiB, with two iterations. */
const LEAST_MEMORY_KIB = 19_456

/** The development stack has no TLS and no password worth the name; a deployment that points at one is a mistake. */
export function refuseLocalSettings(values: Addresses): void {
  const database = values.DATABASE_URL && URL.parse(values.DATABASE_URL)
  if (database && isLoopback(database.hostname))
    throw misconfigured('DATABASE_URL', 'is a local address in production')
  const redis = values.UPSTASH_REDIS_REST_URL && URL.parse(values.UPSTASH_REDIS_REST_URL)
  if (redis && (redis.protocol !== 'https:' || isLoopback(redis.hostname))) {
    throw misconfigured('UPSTASH_REDIS_REST_URL', 'must be https and not local in production')
  }
  const audit = values.AUDIT_DATABASE_URL && URL.parse(values.AUDIT_DATABASE_URL)
  if (audit && isLoopback(audit.hostname))
    throw misconfigured('AUDIT_DATABASE_URL', 'is a local address in production')
  if (values.MAIL_TRANSPORT === 'mailbox') throw misconfigured('MAIL_TRANSPORT', 'is mailbox in production')
  for (const name of [
    'MAIL_URL',
    'DNS_OVER_HTTPS_URL',
    'BREACHED_PASSWORDS_URL',
    'TURNSTILE_VERIFY_URL',
  ] as const) {
    const url = values[name] && URL.parse(values[name])
    if (url && (url.protocol !== 'https:' || isLoopback(url.hostname)))
      throw misconfigured(name, 'must be https and not local in production')
  }
  if (values.WEBHOOK_PRIVATE_TARGETS === 'allowed')
    throw misconfigured('WEBHOOK_PRIVATE_TARGETS', 'must be refused in production')
  if (values.LIMITS_MULTIPLIER !== 1) throw misconfigured('LIMITS_MULTIPLIER', 'must be 1 in production')
  if (values.ARGON2_MEMORY_KIB < LEAST_MEMORY_KIB)
    throw misconfigured('ARGON2_MEMORY_KIB', `must be at least ${LEAST_MEMORY_KIB} in production`)
}

/** The local stack migrates, seeds and drops what it finds; an address exported by a shell may be a real deployment. */
export function refuseRemoteUpstreams(values: Addresses): void {
  for (const name of ['DATABASE_URL', 'AUDIT_DATABASE_URL', 'UPSTASH_REDIS_REST_URL'] as const) {
    const url = values[name] && URL.parse(values[name])
    if (url && !isLoopback(url.hostname))
      throw misconfigured(name, 'is not an address of this machine under ENVIRONMENT=local')
  }
}

/** True for the machine itself, where the embedded local stack listens. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.[0-9]{1,3}){3}$/.test(hostname)
}

export function misconfigured(name: string, problem: string): Fault {
  return new Fault('internal_error', `setting ${name} ${problem}`)
}
