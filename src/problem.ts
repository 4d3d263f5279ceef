/**
 * Every refusal that Latchkey can answer, once: code, status and title (RFC 9457).
 * A refusal is what a caller can cause and is a value; a fault is what only we can cause and is thrown.
 * What an operator needs (`evidence`) goes to the log and never into the answer.
 */
import type { LogFields } from './log.ts'

export const CATALOGUE = {
  invalid_json: { status: 400, title: 'The body is not valid JSON' },
  invalid_request: { status: 400, title: 'The request is malformed' },
  missing_token: { status: 401, title: 'Access token required' },
  invalid_token: { status: 401, title: 'The access token is invalid or expired' },
  invalid_credentials: { status: 401, title: 'Wrong email or password' },
  invalid_code: { status: 401, title: 'The code is wrong or has expired' },
  invalid_passkey: { status: 401, title: 'The passkey could not be verified. Try again.' },
  insufficient_user_authentication: {
    status: 401,
    title: 'Recent authentication required',
  },
  invalid_one_time_token: { status: 400, title: 'This link is no longer valid. Request a new one.' },
  invalid_grant: { status: 401, title: 'The refresh token is invalid or expired' },
  // Not `invalid_grant`: a page that starts asks this way whether anyone is signed in. Nothing was tried.
  no_session: { status: 401, title: 'Not signed in' },
  origin_not_allowed: { status: 403, title: 'Origin not allowed' },
  form_expired: { status: 403, title: 'This form has expired. Load the page again.' },
  // Not 401: the person who is called for is not signed out by it.
  invalid_caller: { status: 403, title: 'The Latchkey-Caller header is invalid' },
  invalid_mfa_token: { status: 401, title: 'This sign-in has expired. Sign in again.' },
  second_factor_disabled: {
    status: 403,
    title: 'Second factors are disabled after too many failures. Contact an administrator.',
  },
  no_second_factor: { status: 409, title: 'The account has no second factor. Add one first.' },
  second_factors_off: { status: 403, title: 'Second factors are not enabled for this tenant' },
  turnstile_failed: { status: 403, title: 'Prove that you are a person, and try again' },
  trusted_devices_off: { status: 403, title: 'Trusted devices are not enabled for this tenant' },
  email_not_verified: { status: 403, title: 'Email not verified' },
  // Only for who has passed the first factor.
  second_factor_required: {
    status: 403,
    title: 'Second factor required, and the time to add one is over. Contact an administrator.',
  },
  impersonated: { status: 403, title: 'Not allowed while acting as another person' },
  impersonation_refused: { status: 403, title: 'You may not act as this person' },
  insufficient_scope: { status: 403, title: 'The API key lacks the scope for this' },
  api_key_not_accepted: { status: 403, title: 'This needs a signed-in account, not an API key' },
  insufficient_role: { status: 403, title: 'Insufficient role' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  password_disabled: {
    status: 403,
    title: 'Password sign-in is disabled after too many failures. Reset the password.',
  },
  external_id_taken: { status: 409, title: 'Another account has this external id' },
  email_taken: { status: 409, title: 'An account with this email already exists' },
  own_account: { status: 409, title: 'You cannot do this to your own account' },
  last_administrator: { status: 409, title: 'This is the last administrator of the tenant' },
  account_open: { status: 409, title: 'The account is open. Close it first.' },
  account_disabled: { status: 409, title: 'The account is disabled. Enable it first.' },
  account_not_verified: { status: 409, title: 'The email of the account is not verified. Verify it first.' },
  too_many_roles: { status: 409, title: 'The account has the maximum number of roles' },
  account_closed: { status: 409, title: 'The account is closed. Restore it first.' },
  passkey_exists: { status: 409, title: 'This passkey is already registered' },
  too_many_passkeys: { status: 409, title: 'Too many passkeys. Remove one first.' },
  provider_exists: { status: 409, title: 'A provider of this name exists' },
  too_many_providers: { status: 409, title: 'The tenant has as many providers as it may have' },
  // What came back is of no flow that this browser began here; nothing was asked of the provider.
  invalid_oauth_state: { status: 400, title: 'This sign-in has expired or was used; start again' },
  last_way_in: { status: 409, title: 'This is the only way to sign in. Add another one first.' },
  passkey_is_second_factor: {
    status: 409,
    title: 'This passkey is a second factor. Remove it as one first.',
  },
  idempotency_key_in_use: { status: 409, title: 'A request with this Idempotency-Key is still in progress' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported content type' },
  unknown_host: { status: 421, title: 'No tenant has this host' },
  invalid_input: { status: 422, title: 'Some fields are invalid' },
  password_compromised: { status: 422, title: 'This password is too easy to guess. Choose another one.' },
  idempotency_key_reused: {
    status: 422,
    title: 'This Idempotency-Key was already used for a different request',
  },
  webhook_target_refused: {
    status: 422,
    title: 'A webhook URL must use https on port 443 and resolve to public addresses',
  },
  webhook_disabled: { status: 409, title: 'This webhook endpoint is disabled. Enable it first.' },
  too_many_webhooks: { status: 409, title: 'Too many webhook endpoints. Remove one first.' },
  too_many_api_keys: { status: 409, title: 'Too many API keys. Revoke one first.' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Internal server error' },
  overloaded: { status: 503, title: 'The service is overloaded. Try again.' },
  upstream_unavailable: { status: 503, title: 'The service is temporarily unavailable. Try again.' },
  upstream_timeout: { status: 504, title: 'The service took too long to answer. Try again.' },
} as const satisfies Record<string, { status: number; title: string }>

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

/** Told from whatever else an operation returns by its code: a row or an answer may have a member of the same name. */
export function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== 'object' || value === null || !('refused' in value)) return false
  return typeof value.refused === 'string' && Object.hasOwn(CATALOGUE, value.refused)
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
  return new Fault('internal_error', names.join(' < ') || 'a value that is not an Error was thrown')
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
