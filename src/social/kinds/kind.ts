/** What one kind of provider does in its own way. Everything else about a provider is its row. */
import type { AuthorizationServer } from 'oauth4webapi'

/** Who a person is at a provider, once everything about the answer has been verified. */
export type Profile = {
  issuer: string
  subject: string
  email: string | null
  /** Whether the provider vouches that this person reads the mail of the address. */
  isEmailProved: boolean
  name: string | null
  /** What the provider says of how they authenticated. It counts only where the tenant's row says so. */
  hasSecondFactor: boolean
  authenticatedAt: Date | null
}

export type Claims = Readonly<Record<string, unknown>>

/** Asks a part of the provider's API with the access token; the body is JSON. */
export type AskApi = (url: string) => Promise<unknown>

type Common = {
  /** Where the tenant does not give one; absent where it must. */
  issuer?: string
  scopes: readonly string[]
  /** Whether the provider's page posts the answer here (`response_mode=form_post`). */
  isPosted?: true
  /** What `providers.settings` must have, and what each looks like. */
  settings?: Readonly<Record<string, RegExp>>
  /** The name of a person, of what the provider's page posts beside its answer. It went through their browser. */
  nameBeside?: (user: string) => string | null
  /** What is sent as the client secret, where that is not the one that was stored. */
  clientSecret?: (
    row: { clientId: string; secret: string; settings: Readonly<Record<string, string>> },
    now: Date,
  ) => Promise<string>
}

/** OpenID Connect: discovery says where, an ID token says who. */
export type OidcKind = Common & {
  protocol: 'oidc'
  /** The issuer that discovery must name, and an ID token with these claims. */
  expectedIssuer?: {
    discovered: (issuer: string) => string
    ofClaims: (issuer: string, claims: Claims) => string
  }
  /** Whether a key of the provider's (a JWK) may sign for this issuer; absent where each of them may. */
  mayKeySign?: (key: Claims, issuer: string) => boolean
  /** Whether the userinfo endpoint is asked where the ID token says nothing of an address. */
  asksUserInfo?: true
  /** Whether the address of these claims is proved. */
  isEmailProved: (claims: Claims) => boolean
}

/** Plain OAuth 2.0: there is no ID token, so the API says who. */
export type OAuthKind = Common & {
  protocol: 'oauth'
  endpoints: (issuer: string) => Pick<AuthorizationServer, 'authorization_endpoint' | 'token_endpoint'>
  /** @returns null for an answer that says no one */
  profile: (
    issuer: string,
    ask: AskApi,
  ) => Promise<Omit<Profile, 'issuer' | 'hasSecondFactor' | 'authenticatedAt'> | null>
}

export type Kind = OidcKind | OAuthKind

/** A text of at most so many characters, or null. */
export const textOf = (value: unknown, maxCharacters = 255): string | null =>
  typeof value === 'string' && value !== '' && value.length <= maxCharacters ? value : null
