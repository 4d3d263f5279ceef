/** Passkeys and challenges as their operations would have made them, and in a moment: for tests that begin behind them. */
import { randomUUID } from 'node:crypto'
import { browserOf, keepChallenge, newChallenge, type Purpose } from '../../src/passkeys/ceremony.ts'
import { userHandleOf } from '../../src/passkeys/user-handle.ts'
import { type Algorithm, coseKey, createPasskey, type Passkey } from './passkey-authenticator.ts'
import type { Service, TestTenant } from './service.ts'

export type PlantedPasskey = { id: string; passkey: Passkey }

/** Made a day ago: before any session of the account. */
export async function plantPasskey(
  { sql }: Pick<Service, 'sql'>,
  tenant: TestTenant,
  userId: string,
  { algorithm = 'ES256', isSecondFactor = false }: { algorithm?: Algorithm; isSecondFactor?: boolean } = {},
): Promise<PlantedPasskey> {
  const asked = { rp: { id: rpIdOf(tenant) }, user: { id: userHandleOf(userId) }, challenge: '' }
  const { passkey } = createPasskey(asked, tenant.origin, { algorithm })
  const id = randomUUID()
  await sql(
    `insert into passkeys (id, tenant_id, user_id, credential_id, public_key, counter, transports, backup_eligible,
       backed_up, aaguid, name, is_second_factor, created_at)
     values ($1, $2, $3, $4, $5, 0, '{internal}', true, true, '00000000-0000-0000-0000-000000000000', 'Chrome on Linux', $6,
       now() - interval '1 day')`,
    [id, tenant.id, userId, passkey.id, coseKey(algorithm, passkey.publicKey), isSecondFactor],
  )
  return { id, passkey }
}

export async function plantCeremony(
  { redis }: Pick<Service, 'redis'>,
  { host }: TestTenant,
  purpose: Purpose,
): Promise<{ challenge: string; cookie: string }> {
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
  const challenge = newChallenge({ random })
  const browser = browserOf({ random }, new Headers())
  const kept = await keepChallenge({ host, now: () => new Date() }, challenge, { purpose, browser })
  if (!('set' in kept)) throw new Error('a challenge is kept by being set')
  await redis(['SET', kept.set, kept.value, 'PX', String(kept.milliseconds)])
  return { challenge, cookie: `__Host-latchkey-ceremony=${browser.nonce}` }
}

export const rpIdOf = ({ origin }: Pick<TestTenant, 'origin'>): string => new URL(origin).hostname
