/** Browsers that an account trusts: by a sign-in over HTTP, or made in a moment. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Service, TestTenant } from './service.ts'

export const TRUSTED_COOKIE = '__Host-latchkey-trusted'

/** Another tenant than the default: one whose owners may trust a browser. */
export const TRUSTING = { settings: { trusted_devices: true } }

export type PlantedTrust = { id: string; cookie: string }

/**
 * A browser that the account trusts.
 * @param agent what it calls itself
 */
export async function plantTrust(
  { sql }: Pick<Service, 'sql'>,
  tenant: TestTenant,
  userId: string,
  agent: string | null = 'node',
): Promise<PlantedTrust> {
  const [id, entry] = [randomUUID(), randomBytes(32).toString('base64url')]
  const bound = JSON.stringify(['trusted_device', new URL(tenant.origin).host, agent, entry])
  await sql(
    `insert into trusted_devices (id, tenant_id, user_id, hash, device_label, created_at, expires_at)
     select $1, tenant_id, id, $2, $4, clock_timestamp(), now() + interval '30 days' from users where id = $3`,
    [id, createHash('sha256').update(bound).digest(), userId, agent],
  )
  return { id, cookie: `${TRUSTED_COOKIE}=${entry}` }
}

/** `name=value` of the cookie that the answer sets, or null. */
export function trustedCookieOf({ headers }: { headers: Headers }): string | null {
  const set = headers.getSetCookie().find((line) => line.startsWith(`${TRUSTED_COOKIE}=`))
  return set?.split(';')[0] ?? null
}
