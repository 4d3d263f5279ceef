/** One-time tokens that a test plants for any account, and the newest that an operation had mailed, as text. */
import { randomUUID } from 'node:crypto'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { hashOneTimeToken, oneTimeToken } from '../../src/one-time/one-time-token.ts'
import { type OneTimePurpose, PURPOSES } from '../../src/one-time/purposes.ts'
import { mailedToken as mailedRow } from './mailed.ts'
import type { Service, TestTenant } from './service.ts'

type Stage = Pick<Service, 'sql' | 'bindings'>

export const ONE_TIME_PURPOSES = Object.keys(PURPOSES) as OneTimePurpose[] // Object.keys forgets the type

/** A token of the right form that no one was mailed. */
export const unknownOneTimeToken = () => `lko_${'A'.repeat(43)}`

export const mailedToken = async (stage: Stage, userId: string, purpose: OneTimePurpose): Promise<string> =>
  (await mailedRow(stage, purpose, userId)).token

export type PlantedToken = {
  tenant: TestTenant
  purpose: OneTimePurpose
  userId: string
  subject: string
  seconds?: number
}

export async function plantToken(
  stage: Stage,
  { tenant, purpose, userId, subject, seconds = 600 }: PlantedToken,
): Promise<string> {
  const keys = parseKeyring(stage.bindings.AUTH_KEYS ?? '')
  const [{ keyId }] = keys
  const id = randomUUID()
  const token = await oneTimeToken(keys, purpose, id, keyId)
  const holder = purpose === 'revert_email' ? `${userId} ${subject}` : userId
  await stage.sql(
    `insert into one_time_tokens (id, tenant_id, user_id, purpose, holder, subject, hash, key_id, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))`,
    [
      id,
      tenant.id,
      userId,
      purpose,
      holder,
      subject,
      Buffer.from(await hashOneTimeToken(token)),
      keyId,
      seconds,
    ],
  )
  return token
}

/** An account that its owner has closed. */
export async function plantClosedAccount(
  { sql }: Stage,
  { id: tenantId }: TestTenant,
): Promise<{ userId: string; email: string }> {
  const userId = randomUUID()
  const email = `${userId}@example.com`
  await sql(`insert into users (id, tenant_id, email, deleted_at) values ($1, $2, $3, now())`, [
    userId,
    tenantId,
    email,
  ])
  return { userId, email }
}

/** Every row of the tenant, as it is kept. */
export const tokensOf = ({ sql }: Pick<Stage, 'sql'>, { id }: Pick<TestTenant, 'id'>) =>
  sql<{
    id: string
    user_id: string | null
    purpose: string
    subject: string | null
    consumed_at: Date | null
  }>(
    'select id, user_id, purpose, subject, consumed_at from one_time_tokens where tenant_id = $1 order by purpose',
    [id],
  )
