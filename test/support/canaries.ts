/**
 * What must never leave the service in a log line or a refusal, looked for in everything that the whole suite makes it
 * print and answer: every test file that starts a service is a test of this too (CASES N03).
 */
import { PASSWORD } from './client.ts'

// Whole tokens only: sealed bytes in base64url spell `lko_` or `eyJ` by chance (seen once in CI).
const SECRETS: [what: string, pattern: RegExp][] = [
  ['a refresh token', /lkr_[\w-]{43}(?![\w-])/],
  ['a one-time token', /lko_[\w-]{43}(?![\w-])/],
  ['a JWT', /eyJ[\w-]{10,}\.eyJ[\w-]{10,}/],
  ['a password hash', /\$argon2/],
  ['a webhook secret', /whsec_[\w+/]{8}/],
  ['a password', new RegExp(PASSWORD)],
  ['an e-mail address', /[\w.+-]+@example\.(com|org)/i],
  ['a connection string', /postgres(ql)?:\/\//],
  ['a command for Redis', /EVALSHA|lk:limit/i],
  ['SQL', /\b(select .+ from|insert into|update \w+ set)\b/i],
  ['a cookie', /__Host-latchkey(-device|-challenge)?=\w/],
  // Truncated addresses are networks: `203.0.113.0/24`.
  ['a whole address', /\b(?!127\.0\.0\.1\b)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b(?!\/24)/],
]

/** @param keyrings the text of the settings that hold keys @returns what was found, each with the text around it */
export function findSecrets(text: string, keyrings: string[]): string[] {
  const keys = keyrings.flatMap((keyring) => keyring.split(',').map((entry) => entry.split(':')[1] ?? entry))
  const found = SECRETS.flatMap(([what, pattern]) => {
    const match = pattern.exec(text)
    return match ? [`${what}: ${text.slice(Math.max(0, match.index - 80), match.index + 80)}`] : []
  })
  return keys.some((key) => text.includes(key)) ? [...found, 'a key of the keyring'] : found
}
