/** A typed client of a Latchkey service, made of its OpenAPI document, and what keeps a person signed in with it. */
import createFetchClient, { type Client, type ClientOptions } from 'openapi-fetch'
import type { paths } from './generated/openapi.ts'

export type { components, operations, paths } from './generated/openapi.ts'
export { createSession, type Session, type SessionOptions } from './session.ts'

/** @param options.baseUrl the tenant's issuer, e.g. `https://auth.example.com` */
export const createClient = (options: ClientOptions & { baseUrl: string }): Client<paths> =>
  createFetchClient<paths>(options)
