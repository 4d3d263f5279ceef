/** The code of a second step as its email has it, and a sign-in that can ask for one. */
import { createHash, randomBytes } from 'node:crypto'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { secondFactorCode } from '../../src/one-time/one-time-token.ts'
import type { Service } from './service.ts'

/** The code of the account's sign-in that was mailed last. */
export async function mailedCode({ sql, bindings }: Pick<Service, 'sql' | 'bindings'>, userId: string) {
  const [row] = await sql<{ id: string; key_id: string; email: string }>(
    `select code_id as id, code_key_id as key_id, email from mfa_challenges join users on users.id = user_id
     where user_id = $1 and code_id is not null order by mfa_challenges.created_at desc limit 1`,
    [userId],
  )
  if (!row) throw new Error('no code was asked for')
  return secondFactorCode(parseKeyring(bindings.AUTH_KEYS ?? ''), { ...row, keyId: row.key_id })
}

export const otherThan = (code: string) => (code === '111111' ? '222222' : '111111')

/** A sign-in that waits, and for which a code can be mailed, made in a moment. @returns its `lkm_…` token */
export async function plantMailable({ sql }: Pick<Service, 'sql'>, userId: string): Promise<string> {
  const token = `lkm_${randomBytes(32).toString('base64url')}`
  await sql(
    `with account as (
       update users set email_verified_at = now() where id = $1 returning id, tenant_id),
     tenant as (
       update tenants set settings = settings || '{"second_factor_email_code": true}'
       from account where tenants.id = account.tenant_id)
     insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, is_by_email, expires_at)
     select gen_random_uuid(), tenant_id, id, 'sign_in', $2, '{pwd}', false, false, now() + interval '5 minutes'
     from account`,
    [userId, createHash('sha256').update(token).digest()],
  )
  return token
}
