/** One-time tokens as the mail carries them: of rows that operations have made, and of rows that a test plants. */
import { randomBytes, randomUUID } from 'node:crypto'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import {
  hashOneTimeToken,
  hashSignInCode,
  oneTimeToken,
  signInCode,
} from '../../src/one-time/one-time-token.ts'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import type { Tokens } from './client.ts'
import type { Service } from './service.ts'

type Stage = Pick<Service, 'sql' | 'bindings'>

/** What is in the mail, and what the browser that asked would hold. */
export type Mailed = { id: string; token: string; code: string; cookie: string }

const keysOf = ({ bindings }: Stage) => parseKeyring(bindings.AUTH_KEYS ?? '')

/** The newest token of this purpose that an operation has made for the account. */
export async function mailedToken(
  stage: Stage,
  purpose: OneTimePurpose,
  userId: string,
): Promise<Omit<Mailed, 'cookie'>> {
  const [row] = await stage.sql<{ id: string; key_id: string }>(
    `select id, key_id from one_time_tokens where purpose = $1 and user_id = $2 order by created_at desc limit 1`,
    [purpose, userId],
  )
  if (!row) throw new Error(`no one asked for a token of the purpose ${purpose}`)
  const keys = keysOf(stage)
  return {
    id: row.id,
    token: await oneTimeToken(keys, purpose, row.id, row.key_id),
    code: await signInCode(keys, row.id, row.key_id),
  }
}

/** What a planted token proves instead of the account's own address, and what it goes with. */
export type Planted = {
  subject?: string
  flowId?: string
  consumed?: boolean
  expired?: boolean
  closed?: boolean
}

/** A token in the tables as its operation would have made it, and in a moment. */
export async function plantToken(
  stage: Stage,
  purpose: OneTimePurpose,
  { user }: Pick<Tokens, 'user'>,
  { subject = user.email, flowId, consumed = false, expired = false, closed = false }: Planted = {},
): Promise<Mailed> {
  const keys = keysOf(stage)
  const id = randomUUID()
  const [{ keyId }] = keys
  const token = await oneTimeToken(keys, purpose, id, keyId)
  const code = await signInCode(keys, id, keyId)
  const nonce = randomBytes(32).toString('base64url')
  const browserHash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(nonce))
  const holder = purpose === 'revert_email' ? `${user.id} ${subject}` : user.id
  await stage.sql(
    `insert into one_time_tokens (id, tenant_id, user_id, purpose, holder, subject, hash, key_id, flow_id, code_hash,
       browser_hash, expires_at, consumed_at)
     select $1, tenant_id, id, $3, $4, $5, $6, $7, $8, $9, $10,
       now() + case when $11 then interval '-1 second' else interval '10 minutes' end, case when $12 then now() end
     from users where id = $2
     on conflict (tenant_id, purpose, holder) do update set id = excluded.id, subject = excluded.subject,
       hash = excluded.hash, flow_id = excluded.flow_id, code_hash = excluded.code_hash, attempts = 0,
       browser_hash = excluded.browser_hash, expires_at = excluded.expires_at, consumed_at = excluded.consumed_at`,
    [
      id,
      user.id,
      purpose,
      holder,
      subject,
      Buffer.from(await hashOneTimeToken(token)),
      keyId,
      flowId ?? null,
      Buffer.from(await hashSignInCode(keys, subject, code)),
      Buffer.from(browserHash),
      expired,
      consumed,
    ],
  )
  if (closed) await stage.sql('update users set deleted_at = now() where id = $1', [user.id])
  return { id, token, code, cookie: `__Host-latchkey-challenge=${nonce}` }
}
