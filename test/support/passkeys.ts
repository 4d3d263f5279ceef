/** A page that uses passkeys: its browser keeps the cookie of the ceremony, and a software authenticator is at hand. */

import type { Answer, Client, Tokens } from './client.ts'
import {
  type Algorithm,
  type CreationOptionsJSON,
  createPasskey,
  type Deviation,
  type Passkey,
  type RequestOptionsJSON,
  usePasskey,
} from './passkey-authenticator.ts'
import type { Service } from './service.ts'

export type ListedPasskey = {
  id: string
  credential_id: string
  name: string
  transports: string[]
  backed_up: boolean
  aaguid: string
  is_second_factor: boolean
  signs_in: boolean
  created_at: string
  last_used_at: string | null
}

/** `name=value` of the cookie that an answer sets. */
export const ceremonyCookieOf = ({ headers }: Answer<unknown>): string => {
  const [cookie = ''] = headers
    .getSetCookie()
    .filter((one) => one.startsWith('__Host-latchkey-ceremony='))
    .map((one) => one.split(';')[0] ?? '')
  return cookie
}

export async function registrationOptions(client: Client, { access_token }: Tokens, json: object = {}) {
  const answer = await client.call<CreationOptionsJSON>('/v1/passkeys/register/options', {
    bearer: access_token,
    json,
  })
  if (answer.status !== 200)
    throw new Error(`options answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return { answer, options: answer.body, cookie: ceremonyCookieOf(answer) }
}

export const finishRegistration = (
  client: Client,
  { access_token }: Tokens,
  { credential, cookie, ...rest }: { credential: unknown; cookie: string; name?: string },
) =>
  client.call<ListedPasskey>('/v1/passkeys/register/verify', {
    bearer: access_token,
    json: { credential, ...rest },
    headers: { cookie },
  })

/** Registers a passkey as an honest browser does, or as `deviation` says. */
export async function attemptRegistration(
  client: Client,
  tokens: Tokens,
  deviation: Deviation & { algorithm?: Algorithm; name?: string } = {},
) {
  const { name, ...rest } = deviation
  const { options, cookie } = await registrationOptions(client, tokens)
  const { passkey, credential } = createPasskey(options, client.tenant.origin, rest)
  const answer = await finishRegistration(client, tokens, {
    credential,
    cookie,
    ...(name !== undefined && { name }),
  })
  return { passkey, credential, cookie, answer }
}

/** The same, for tests that begin with one. */
export async function newPasskey(
  client: Client,
  tokens: Tokens,
  deviation: Parameters<typeof attemptRegistration>[2] = {},
): Promise<{ passkey: Passkey; listed: ListedPasskey }> {
  const { passkey, answer } = await attemptRegistration(client, tokens, deviation)
  if (answer.status !== 201)
    throw new Error(`verify answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return { passkey, listed: answer.body }
}

export async function signInOptions(client: Client, headers: Record<string, string> = {}) {
  const answer = await client.call<RequestOptionsJSON>('/v1/passkeys/login/options', {
    method: 'POST',
    headers,
  })
  if (answer.status !== 200)
    throw new Error(`options answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return { answer, options: answer.body, cookie: ceremonyCookieOf(answer) }
}

export const finishSignIn = (
  client: Client,
  { credential, cookie, ...rest }: { credential: unknown; cookie: string; transport?: string },
) =>
  client.call<Tokens>('/v1/passkeys/login/verify', {
    json: { credential, ...rest },
    headers: { cookie },
  })

/** Signs in as an honest browser does, or as `deviation` says. */
export async function attemptSignIn(client: Client, passkey: Passkey, deviation: Deviation = {}) {
  const { options, cookie } = await signInOptions(client)
  const credential = usePasskey(passkey, options, client.tenant.origin, deviation)
  return { credential, cookie, options, answer: await finishSignIn(client, { credential, cookie }) }
}

/** An account with a proved address, whose owner has chosen a passkey as its second factor. */
export async function withPasskeyFactor({ sql }: Pick<Service, 'sql'>, client: Client) {
  const { email, tokens } = await client.signUp()
  await sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
  const { passkey, listed } = await newPasskey(client, tokens)
  const bearer = tokens.access_token
  const factor = `/v1/passkeys/${listed.id}/second-factor`
  const chosen = await client.call<{ recovery_codes: string[] }>(factor, { method: 'POST', bearer })
  if (chosen.status !== 200)
    throw new Error(`choosing answered ${chosen.status}: ${JSON.stringify(chosen.body)}`)
  const { recovery_codes: recoveryCodes } = chosen.body
  return { client, email, tokens, bearer, passkey, listed, factor, recoveryCodes }
}

export async function secondStepOptions(client: Client, { mfa_token }: { mfa_token: string }) {
  const answer = await client.call<RequestOptionsJSON>('/v1/passkeys/mfa/options', { json: { mfa_token } })
  if (answer.status !== 200)
    throw new Error(`options answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return { answer, options: answer.body, cookie: ceremonyCookieOf(answer) }
}

export const finishSecondStep = (
  client: Client,
  {
    cookie,
    ...json
  }: { mfa_token: string; credential: unknown; cookie: string; transport?: string; trust_device?: boolean },
) => client.call<Tokens>('/v1/passkeys/mfa/verify', { json, headers: { cookie } })

/** Passes the second step as an honest browser does, or as `deviation` says. */
export async function attemptSecondStep(
  client: Client,
  passkey: Passkey,
  { mfa_token }: { mfa_token: string },
  deviation: Deviation = {},
  rest: { trust_device?: boolean } = {},
) {
  const { options, cookie } = await secondStepOptions(client, { mfa_token })
  const credential = usePasskey(passkey, options, client.tenant.origin, deviation)
  const answer = await finishSecondStep(client, { mfa_token, credential, cookie, ...rest })
  return { credential, cookie, answer }
}

export async function stepUpOptions(client: Client, { access_token }: Pick<Tokens, 'access_token'>) {
  const answer = await client.call<RequestOptionsJSON>('/v1/passkeys/step-up/options', {
    method: 'POST',
    bearer: access_token,
  })
  return { answer, options: answer.body, cookie: ceremonyCookieOf(answer) }
}

/** Steps up as an honest browser does, or as `deviation` says. */
export async function attemptStepUp(
  client: Client,
  passkey: Passkey,
  { access_token }: Pick<Tokens, 'access_token'>,
  deviation: Deviation = {},
) {
  const { options, cookie } = await stepUpOptions(client, { access_token })
  const credential = usePasskey(passkey, options, client.tenant.origin, deviation)
  const answer = await finishStepUp(client, { access_token }, { credential, cookie })
  return { credential, cookie, answer }
}

export const finishStepUp = (
  client: Client,
  { access_token }: Pick<Tokens, 'access_token'>,
  { credential, cookie }: { credential: unknown; cookie: string },
) =>
  client.call<Tokens>('/v1/passkeys/step-up/verify', {
    bearer: access_token,
    json: { credential },
    headers: { cookie },
  })
