/**
 * `.env.deployment`: what the operator keeps of a deployment, because Cloudflare gives no secret back. Readable by its owner alone, and in no
 * repository (.gitignore). The shell's own variables count before it.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { OPTIONAL_SECRETS, SECRETS, SETTING_NAMES } from '../../src/settings.ts'
import { replaceFile } from './replace-file.ts'

export const DEPLOYMENT_FILE = '.env.deployment'

/** What only the owners of the database and of Redis know: it cannot be made here. */
export const GIVEN = ['DATABASE_URL', 'UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'] as const
/** What is made here, once. */
export const MADE = ['AUTH_KEYS', 'SIGNING_SEAL_KEYS'] as const

export type Deployment = Record<string, string>

/** @throws when others can read it */
export function readDeployment(env: NodeJS.ProcessEnv): Deployment {
  const kept = existsSync(DEPLOYMENT_FILE) ? parseEnv(readPrivately()) : {}
  const known = SETTING_NAMES.flatMap((name) => {
    const value = env[name] ?? kept[name]
    return value ? [[name, value] as const] : []
  })
  return Object.fromEntries(known)
}

function readPrivately(): string {
  const isShared = process.platform !== 'win32' && (statSync(DEPLOYMENT_FILE).mode & 0o077) !== 0
  if (isShared)
    throw new Error(
      `${DEPLOYMENT_FILE} holds secrets and others can read it; run chmod 600 ${DEPLOYMENT_FILE}`,
    )
  return readFileSync(DEPLOYMENT_FILE, 'utf8')
}

/** Adds lines to the file; nothing in it is changed. */
export function keep(values: Deployment): void {
  const before = existsSync(DEPLOYMENT_FILE) ? readPrivately().replace(/([^\n])$/, '$1\n') : ''
  const lines = Object.entries(values).map(([name, value]) => `${name}="${value}"\n`)
  replaceFile(DEPLOYMENT_FILE, before + lines.join(''), 0o600)
}

/** Those that a Worker is given: what it needs, and what it may have. */
export const secretsOf = (deployment: Deployment): Deployment =>
  Object.fromEntries(
    [...SECRETS, ...OPTIONAL_SECRETS].flatMap((name) => {
      const value = deployment[name]
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
