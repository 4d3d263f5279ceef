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

export type ListedPasskey = {
  id: string
  credential_id: string
  name: string
  transports: string[]
  backed_up: boolean
  aaguid: string
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
