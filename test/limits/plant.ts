/** A live session written by hand, where signing in is closed. */
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { hashRefreshToken, newRefreshToken } from '../../src/crypto/opaque-token.ts'
import { newId } from '../../src/events/outbox.ts'
import { newEmail } from '../support/client.ts'
import type { Service, TestTenant } from '../support/service.ts'

/** @returns the refresh token of a new account's session */
export async function plantSession(service: Service, tenant: TestTenant): Promise<string> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
  const [userId, sessionId, tokenId] = [0, 1, 2].map(() => newId({ now: () => new Date(), random }))
  const token = newRefreshToken(random)
  const { keyId, hash } = await hashRefreshToken(parseKeyring(String(service.bindings.AUTH_KEYS)), token)
  await service.sql('insert into users (id, tenant_id, email) values ($1, $2, $3)', [
    userId,
    tenant.id,
    newEmail(),
  ])
  await service.sql(
    `insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal)
     values ($1, $2, $3, now() + interval '1 day', now() + interval '1 day', '{pwd}', 1)`,
    [sessionId, tenant.id, userId],
  )
  await service.sql(
    `insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
     values ($1, $2, $3, $4, $5, now() + interval '1 day')`,
    [tokenId, tenant.id, sessionId, Buffer.from(hash), keyId],
  )
  return token
}
