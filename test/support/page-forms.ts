/** The token of a form of a hosted page, as the page would have it, without a request. */
import { randomBytes } from 'node:crypto'
import { hmacSha256 } from '../../src/crypto/hmac.ts'
import { deriveKey, parseKeyring } from '../../src/crypto/keyring.ts'
import type { Tokens } from './client.ts'
import type { Service, TestTenant } from './service.ts'

export type PlantedForm = { fields: { form_token: string }; headers: { cookie: string } }

/** @param to whose page it is; null for one that anyone may be shown */
export async function plantForm(
  { bindings }: Pick<Service, 'bindings'>,
  { host }: TestTenant,
  to: Pick<Tokens, 'refresh_token' | 'session'> | null,
): Promise<PlantedForm> {
  const nonce = randomBytes(32).toString('base64url')
  const { key } = await deriveKey(parseKeyring(bindings.AUTH_KEYS ?? ''), 'cookie:__Host-latchkey-form')
  const signed = await hmacSha256(key, JSON.stringify([host, nonce, to?.session.id ?? null]))
  const own = to ? `; __Host-latchkey=${to.refresh_token}` : ''
  return {
    fields: { form_token: Buffer.from(signed).toString('base64url') },
    headers: { cookie: `__Host-latchkey-form=${nonce}${own}` },
  }
}
