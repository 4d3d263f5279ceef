/** An account whose second step is a code by email, and the steps of its sign-in. */
import { type Client, newClient, PASSWORD, type Tokens } from './client.ts'
import type { Service, TenantOptions } from './service.ts'

/** A tenant that wants a second factor and takes a mailed code for one. */
export const MAILING: TenantOptions = {
  settings: { second_factor: 'required', second_factor_email_code: true },
}

/** An account whose address is proved, and who wants a second factor of it. */
export async function newMailed(service: Service, options: TenantOptions = MAILING) {
  const client = await newClient(service, { settings: {} })
  const account = await client.signUp()
  const { id } = account.tokens.user
  await service.sql('update users set email_verified_at = now() where id = $1', [id])
  await service.sql('update tenants set settings = settings || $2 where id = $1', [
    client.tenant.id,
    JSON.stringify(options.settings),
  ])
  return { client, userId: id, ...account, ...stepsOf(client, account.email) }
}

type First = { status: string; mfa_token: string; methods: string[] }

const stepsOf = (client: Client, email: string) => ({
  first: async (headers: Record<string, string> = {}) =>
    (await client.call<First>('/v1/login', { json: { email, password: PASSWORD }, headers })).body,
  ask: (mfa_token: string) => client.call('/v1/mfa/email-code', { json: { mfa_token } }),
  answer: (mfa_token: string, code: string, rest: object = {}) =>
    client.call<Tokens>('/v1/mfa/verify', { json: { mfa_token, method: 'email_code', code, ...rest } }),
})
