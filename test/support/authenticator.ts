/** An authenticator app, by another library than the service's (RFC 6238), and accounts that have one. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { decodeBase32, encodeBase32UpperCaseNoPadding } from '@oslojs/encoding'
import { generateHOTP } from '@oslojs/otp'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { seal } from '../../src/crypto/sealing.ts'
import type { Account, Answer, Client, Tokens } from './client.ts'
import type { Service } from './service.ts'

const stepNow = () => Math.floor(Date.now() / 1000 / 30)

/** The code of the step that is `off` from the current one. */
export const codeAt = (secret: string, off = 0): string =>
  generateHOTP(decodeBase32(secret), BigInt(stepNow() + off), 6)

/**
 * Runs what sends a code of the step before again where the next step began meanwhile, in which it is too old. `attempt`
 * must choose a new account each time it is called.
 */
export async function inOneStep<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    const step = stepNow()
    const outcome = await attempt()
    if (stepNow() === step) return outcome
  }
}

/** A code of six digits that the app does not show near now. */
export function wrongCode(secret: string): string {
  const shown = [-2, -1, 0, 1, 2].map((off) => codeAt(secret, off))
  return (
    ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !shown.includes(code)) ?? ''
  )
}

export type Challenge = { status: string; mfa_token: string; methods: string[]; expires_in: number }

/** Enrolled over HTTP, with its address proved; the session that enrolled it is `tokens`. */
export type Enrolled = Account & { secret: string; recoveryCodes: string[] }

/** Adds an app to an account. */
export async function enrol(
  { sql }: Pick<Service, 'sql'>,
  client: Client,
  account: Account,
): Promise<Enrolled> {
  const { user, access_token: bearer } = account.tokens
  await sql('update users set email_verified_at = now() where id = $1', [user.id])
  const added = await client.call<{ factor_id: string; secret: string }>('/v1/mfa/totp', {
    method: 'POST',
    bearer,
  })
  if (added.status !== 201) throw new Error(`adding answered ${added.status}: ${JSON.stringify(added.body)}`)
  const { factor_id, secret } = added.body
  const json = { factor_id, code: codeAt(secret) }
  const confirmed = await client.call<{ recovery_codes: string[] }>('/v1/mfa/totp/confirm', { bearer, json })
  if (confirmed.status !== 200)
    throw new Error(`confirming answered ${confirmed.status}: ${JSON.stringify(confirmed.body)}`)
  // The current step is left to the test. A code of the one before would be too old where the next begins meanwhile.
  await sql('update totp_factors set last_used_step = 0 where user_id = $1', [user.id])
  return { ...account, secret, recoveryCodes: confirmed.body.recovery_codes }
}

/** The first step of a sign-in, which the second factor follows. */
export async function challenge(client: Client, email: string): Promise<Challenge> {
  const { status, body } = await client.call<Challenge>('/v1/login', {
    json: { email, password: 'correct horse battery' },
  })
  if (status !== 200 || body.status !== 'mfa_required')
    throw new Error(`the first step answered ${status}: ${JSON.stringify(body)}`)
  return body
}

/** The second step. */
export const verifyMfa = (
  client: Client,
  { mfa_token }: Pick<Challenge, 'mfa_token'>,
  code: string,
  method = 'totp',
): Promise<Answer<Tokens>> => client.call<Tokens>('/v1/mfa/verify', { json: { mfa_token, method, code } })

/** As a challenge of a second step is bound to it. */
export const hashOfMfaToken = (mfaToken: string): string =>
  createHash('sha256').update(mfaToken).digest('base64url')

export type PlantedFactor = { factorId: string; secret: string; mfaToken: string }

/**
 * An app of an account whose address is proved, made in a moment, and a challenge that it answers.
 * @param isConfirmed whether it counts
 * @param purpose what the challenge is for
 */
export async function plantFactor(
  { sql, bindings }: Pick<Service, 'sql' | 'bindings'>,
  { user }: Pick<Tokens, 'user'>,
  { isConfirmed = true, purpose = 'sign_in' }: { isConfirmed?: boolean; purpose?: 'sign_in' | 'enrol' } = {},
): Promise<PlantedFactor> {
  const [factorId, secret] = [randomUUID(), randomBytes(20)]
  const mfaToken = `lkm_${randomBytes(32).toString('base64url')}`
  const sealed = await seal(parseKeyring(bindings.AUTH_KEYS ?? ''), 'seal:totp', secret, factorId, (length) =>
    randomBytes(length),
  )
  await sql(
    `with account as (
       update users set email_verified_at = now(), second_factor_since = case when $4 then clock_timestamp() else second_factor_since end
       where id = $1 returning id, tenant_id),
     factor as (
       insert into totp_factors (id, tenant_id, user_id, sealed_secret, confirmed_at)
       select $2, tenant_id, id, $3, case when $4 then now() - interval '1 day' end from account
       on conflict (user_id) where confirmed_at is ${isConfirmed ? 'not null' : 'null'} do update set
         id = excluded.id, sealed_secret = excluded.sealed_secret, last_used_step = 0)
     insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, expires_at)
     select gen_random_uuid(), tenant_id, id, $6, $5, '{pwd}', false, now() + interval '5 minutes' from account
     on conflict (user_id) where purpose = 'enrol' do update set id = excluded.id, hash = excluded.hash`,
    [user.id, factorId, sealed, isConfirmed, createHash('sha256').update(mfaToken).digest(), purpose],
  )
  return { factorId, secret: encodeBase32UpperCaseNoPadding(secret), mfaToken }
}

type Added = { factor_id: string; secret: string; otpauth_uri: string; qr_svg: string }

/** An account whose address is proved, and what it does about second factors. */
export async function newProved(service: Pick<Service, 'sql'>, client: Client) {
  const account = await client.signUp()
  await service.sql('update users set email_verified_at = now() where id = $1', [account.tokens.user.id])
  const bearer = account.tokens.access_token
  const add = () => client.call<Added>('/v1/mfa/totp', { method: 'POST', bearer })
  const confirm = (factor_id: string, code: string) =>
    client.call<{ recovery_codes: string[] }>('/v1/mfa/totp/confirm', { bearer, json: { factor_id, code } })
  return { client, ...account, bearer, add, confirm, list: () => client.call('/v1/mfa', { bearer }) }
}
