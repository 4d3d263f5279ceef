/** Why a token is not good enough: the code and the challenge of RFC 6750 and RFC 9470, or that it cannot be told now. */

/**
 * `missing_token`: there is none. `invalid_token`: expired, ended, or not of this service. `insufficient_scope`: a scope or a role
 * is missing. `insufficient_user_authentication`: the person has to authenticate again, or with a second factor.
 * `unavailable`: the keys or the status list cannot be had; try again.
 */
export type TokenErrorCode =
  | 'missing_token'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'unavailable'

const STATUS = {
  missing_token: 401,
  invalid_token: 401,
  insufficient_scope: 403,
  insufficient_user_authentication: 401,
  unavailable: 503,
} as const satisfies Record<TokenErrorCode, number>

const TITLE: Record<TokenErrorCode, string> = {
  missing_token: 'An access token is required',
  invalid_token: 'The access token is invalid or has expired',
  insufficient_scope: 'The access token does not allow this',
  insufficient_user_authentication: 'Recent or stronger authentication is required',
  unavailable: 'The access token cannot be checked at the moment',
}

export class TokenError extends Error {
  override readonly name = 'TokenError'
  readonly code: TokenErrorCode
  /** Of the answer: 401, 403 or 503. */
  readonly status: 401 | 403 | 503
  /** Parameters of the challenge, e.g. `{ scope: 'notes:write' }`. */
  readonly parameters: Readonly<Record<string, string>>

  /** @param reason for your log; it never has a token in it */
  constructor(code: TokenErrorCode, reason: string, parameters: Record<string, string> = {}) {
    super(reason)
    this.code = code
    this.status = STATUS[code]
    this.parameters = parameters
  }

  /** The value of `WWW-Authenticate`; null where a challenge would not help. */
  get challenge(): string | null {
    if (this.code === 'unavailable') return null
    if (this.code === 'missing_token') return 'Bearer'
    const parameters = Object.entries({ error: this.code, ...this.parameters })
    return `Bearer ${parameters.map(([name, value]) => `${name}="${value}"`).join(', ')}`
  }

  /** The answer for your caller: `application/problem+json`, with the challenge. */
  toResponse(): Response {
    const body = { type: 'about:blank', title: TITLE[this.code], status: this.status, code: this.code }
    const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
    if (this.challenge) headers.set('www-authenticate', this.challenge)
    else headers.set('retry-after', '5')
    return new Response(JSON.stringify(body), { status: this.status, headers })
  }
}
