/**
 * Every refusal that Latchkey can answer, once: code, status and title (RFC 9457).
 * A refusal is what a caller can cause and is a value; a fault is what only we can cause and is thrown.
 * What an operator needs (`evidence`) goes to the log and never into the answer.
 */
import type { LogFields } from './log.ts'

export const CATALOGUE = {
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_request: { status: 400, title: 'The request is malformed' },
  missing_token: { status: 401, title: 'An access token is needed' },
  invalid_token: { status: 401, title: 'The access token is not valid' },
  invalid_credentials: { status: 401, title: 'The e-mail address or the password is wrong' },
  invalid_code: { status: 401, title: 'The code is wrong or no longer valid; ask for a new one' },
  invalid_passkey: { status: 401, title: 'The passkey could not be verified; try again' },
  insufficient_user_authentication: {
    status: 401,
    title: 'This needs a sign-in of the last minutes; confirm the password first',
  },
  invalid_one_time_token: { status: 400, title: 'This link is not valid any more; ask for a new one' },
  invalid_grant: { status: 401, title: 'The refresh token is not valid' },
  // Not `invalid_grant`: a page that starts asks this way whether anyone is signed in. Nothing was tried.
  no_session: { status: 401, title: 'No one is signed in' },
  origin_not_allowed: { status: 403, title: 'This origin may not call on behalf of a signed-in browser' },
  // Not 401: the person who is called for is not signed out by it.
  invalid_caller: { status: 403, title: 'The Latchkey-Caller header is not valid' },
  invalid_mfa_token: { status: 401, title: 'This sign-in has expired or was used; sign in again' },
  second_factor_disabled: {
    status: 403,
    title: 'Second factors are disabled after too many failures; ask an administrator',
  },
  no_second_factor: { status: 409, title: 'The account has no second factor; add one first' },
  second_factors_off: { status: 403, title: 'Second factors cannot be added here' },
  email_not_verified: { status: 403, title: 'Verify the e-mail address first' },
  // Only for who has passed the first factor.
  second_factor_required: {
    status: 403,
    title: 'This account needs a second factor, and the time to add one has passed; ask an administrator',
  },
  insufficient_role: { status: 403, title: 'This needs a role that the account does not have' },
  not_found: { status: 404, title: 'There is nothing here' },
  method_not_allowed: { status: 405, title: 'This path does not take that method' },
  password_disabled: {
    status: 403,
    title: 'Too many failed attempts: this password is no way in until it has been reset',
  },
  email_taken: { status: 409, title: 'An account with this e-mail address exists' },
  passkey_exists: { status: 409, title: 'This passkey is registered already' },
  too_many_passkeys: { status: 409, title: 'The account has as many passkeys as it may have' },
  last_way_in: { status: 409, title: 'Nothing else opens the account; add another way to sign in first' },
  idempotency_key_in_use: { status: 409, title: 'A request with this Idempotency-Key is under way' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  unknown_host: { status: 421, title: 'No tenant is served on this host' },
  invalid_input: { status: 422, title: 'Some fields are not valid' },
  password_compromised: { status: 422, title: 'This password is too easy to guess; choose another' },
  idempotency_key_reused: {
    status: 422,
    title: 'This Idempotency-Key was used for another request',
  },
  webhook_target_refused: {
    status: 422,
    title: 'This URL cannot be a webhook: it must be https, on port 443 and lead to public addresses only',
  },
  webhook_disabled: { status: 409, title: 'This webhook endpoint is disabled; enable it first' },
  too_many_webhooks: { status: 409, title: 'The tenant has as many webhook endpoints as it may have' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something went wrong on our side' },
  overloaded: { status: 503, title: 'Too much to do at once; try again' },
  upstream_unavailable: { status: 503, title: 'A part that this needs is not available; try again' },
  upstream_timeout: { status: 504, title: 'A part that this needs did not answer in time; try again' },
} as const satisfies Record<string, { status: number; title: string }>

/** How old an authentication may be for what needs a fresh one. */
export const STEP_UP_SECONDS = 600

export type ProblemCode = keyof typeof CATALOGUE
type FaultCode = 'internal_error' | 'overloaded' | 'upstream_unavailable' | 'upstream_timeout'
export type RefusalCode = Exclude<ProblemCode, FaultCode>

/** One wrong field: an RFC 6901 pointer into the body (or `/name` of a query parameter) and why it is refused. */
export type FieldError = { pointer: string; code: string; detail?: string }

/** A tagged refusal. `evidence` is logged, never answered; `headers` carry what the status requires (Allow, Retry-After). */
export type Refusal = {
  refused: RefusalCode
  detail?: string
  errors?: FieldError[]
  headers?: Record<string, string>
  evidence?: LogFields
}

export function refuse(refused: RefusalCode, rest: Omit<Refusal, 'refused'> = {}): Refusal {
  return { refused, ...rest }
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value
}

/** Only we can cause this. The message is for the log and must not carry a parameter, a command or an address. */
export class Fault extends Error {
  readonly code: FaultCode

  constructor(code: FaultCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
    this.code = code
  }
}

/**
 * Finds our own fault inside whatever a library wrapped around it; anything else is an internal error, described by
 * its names and SQLSTATE alone, because a library's message may carry parameters, commands or addresses.
 */
export function faultOf(error: unknown): Fault {
  const names: string[] = []
  let cause: unknown = error
  for (let depth = 0; depth < 5 && cause instanceof Error; depth++) {
    if (cause instanceof Fault) return cause
    // The crypto folder's own faults say what is wrong and never the value that is wrong.
    if ('fault' in cause && cause.name === 'CryptoFault')
      // A key that this Worker does not have yet, or has no more, is there again when it is given: not the caller's fault.
      return new Fault(
        cause.fault === 'unknown_key' ? 'upstream_unavailable' : 'internal_error',
        cause.message,
      )
    const sqlState = 'code' in cause && /^[0-9A-Z]{5}$/.test(String(cause.code)) ? ` ${cause.code}` : ''
    names.push(`${cause.name}${sqlState}`)
    cause = 'sourceError' in cause ? cause.sourceError : cause.cause
  }
  return new Fault('internal_error', names.join(' < ') || 'something that is no error was thrown')
}

/**
 * The one place where a refusal or a fault becomes HTTP.
 * @param answering the request: its id goes into the answer; the code and the evidence go into `outcome`, for its log line
 */
export function problemResponse(
  problem: Refusal | Fault,
  { requestId, outcome }: { requestId: string; outcome: LogFields },
): Response {
  const code = problem instanceof Fault ? problem.code : problem.refused
  const { status, title } = CATALOGUE[code]
  Object.assign(outcome, { code }, problem instanceof Fault ? { cause: problem.message } : problem.evidence)
  const { detail, errors } = problem instanceof Fault ? {} : problem
  const body = {
    type: `urn:latchkey:problem:${code}`,
    title,
    status,
    code,
    detail,
    request_id: requestId,
    errors,
  }
  return new Response(JSON.stringify(body), { status, headers: headersOf(problem, code, status) })
}

function challengeOf(code: ProblemCode): string {
  if (code === 'invalid_token') return 'Bearer error="invalid_token"'
  // RFC 9470 §3: what the token must be like to be accepted.
  if (code === 'insufficient_user_authentication')
    return `Bearer error="${code}", max_age="${STEP_UP_SECONDS}"`
  return 'Bearer'
}

function headersOf(problem: Refusal | Fault, code: ProblemCode, status: number): Headers {
  const headers = new Headers(problem instanceof Fault ? {} : problem.headers)
  headers.set('content-type', 'application/problem+json')
  headers.set('cache-control', 'no-store')
  // RFC 9110 §15.5.2 wants a challenge on every 401; RFC 6750 §3.1 names the error only when a token was presented.
  if (status === 401 && !headers.has('www-authenticate')) headers.set('www-authenticate', challengeOf(code))
  // Between 1 and 5 seconds, so that clients that failed together do not come back together.
  if (status === 503 || status === 504)
    headers.set('retry-after', String(1 + ((crypto.getRandomValues(new Uint8Array(1))[0] ?? 0) % 5)))
  return headers
}
