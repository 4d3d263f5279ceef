/** What a company that people sign in with answers to a client, and what it refuses. */
import { randomUUID } from 'node:crypto'
import type http from 'node:http'
import type * as jose from 'jose'

export type Claims = Record<string, unknown>
export type Asked = { method: string; url: URL; headers: http.IncomingHttpHeaders; form: URLSearchParams }
export type Reply = { status?: number; body: unknown; type?: string }
export type Granted = { asked: URLSearchParams; person: Claims; redirectUri: string }

/** What all of them share. */
export type Office = {
  /** The grant of a code, used up, if the request is of the one who has it. */
  redeem(form: URLSearchParams): Granted | null
  /** An ID token. */
  sign(claims: Claims): Promise<string>
  /** Its keys: what most sign with, and that of personal accounts. */
  jwk: jose.JWK
  personalJwk: jose.JWK
  /** Whose access tokens are whose. */
  tokens: Map<string, Granted>
  /** What proves an Apple team. */
  teamKey: jose.CryptoKey
}

export type Company = {
  /** What an administrator has registered there. */
  client: { id: string; secret: string }
  /** Where it asks a person, and for which scopes it can be asked. */
  page: RegExp
  scopes: string[]
  /** Where it is called, each of which has to have a public address. */
  hosts: string[]
  newPerson(): Claims
  /** @returns null where that is not its own */
  answer(asked: Asked, office: Office): Promise<Reply | null> | Reply | null
}

export const refuse = (status: number, body: unknown): Reply => ({ status, body })
export const oauthError = (status: number, error: string, error_description: string) =>
  refuse(status, { error, error_description })

/** In the form, or in the header. */
export function hasSecret(
  { headers, form }: Pick<Asked, 'headers' | 'form'>,
  { id, secret }: Company['client'],
): boolean {
  const [user, password] = Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':')
    .map((part) => decodeURIComponent(part.replaceAll('+', ' ')))
  const inForm = form.get('client_id') === id && form.get('client_secret') === secret
  return inForm || (user === id && password === secret)
}

export const newAddress = (domain: string) => `${randomUUID().slice(0, 13)}@${domain}`
