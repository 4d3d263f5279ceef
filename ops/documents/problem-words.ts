/** When each problem is answered, and what a caller does remedy: docs/errors.md. A new code needs a line here to compile. */
import type { ProblemCode } from '../../src/problem.ts'

const SIGN_IN = 'Sign in again.'
const RETRY = 'Wait as long as `Retry-After` says, and repeat the request.'
const ASK_AGAIN = 'Ask for a new one.'
const FIX = 'Correct the request; a repeat fails alike.'

export const WORDS: Record<ProblemCode, { when: string; remedy: string }> = {
  invalid_json: { when: 'The body is not JSON in UTF-8, or a name occurs twice in it.', remedy: FIX },
  invalid_request: {
    when: 'A header, a query or a form is not as HTTP or this document has it.',
    remedy: FIX,
  },
  missing_token: { when: 'There is no `Authorization: Bearer` header.', remedy: 'Send an access token.' },
  invalid_token: {
    when: 'The access token is expired, of another host, or its session or account has ended.',
    remedy: 'Refresh once, and repeat the request; if that is refused too, sign in again.',
  },
  invalid_credentials: {
    when: 'Address and password do not belong together. It is the same answer without an account.',
    remedy: 'Let the person type them again, or reset the password.',
  },
  invalid_code: { when: 'A code is wrong, used, expired, or was tried too often.', remedy: ASK_AGAIN },
  invalid_passkey: {
    when: 'The answer of a passkey does not fit the challenge, the origin or a passkey that signs in here. It is one answer for all of these.',
    remedy: 'Ask for new options, and try again: the challenge is used up.',
  },
  insufficient_user_authentication: {
    when: 'The operation needs a step-up: the last authentication is too old, or its level is too low (RFC 9470).',
    remedy:
      'Confirm the password (`POST /v1/password/confirm`) or, when `acr_values` is `aal2`, a second factor (`POST /v1/mfa/step-up`).',
  },
  invalid_one_time_token: {
    when: 'A mailed link was used, expired, or replaced by a newer one.',
    remedy: ASK_AGAIN,
  },
  invalid_grant: {
    when: 'The refresh token is unknown, used or expired, or its session has ended.',
    remedy: SIGN_IN,
  },
  no_session: {
    when: 'A refresh has neither a cookie nor a token.',
    remedy: 'No one is signed in: show the sign-in.',
  },
  origin_not_allowed: {
    when: 'A page of another origin calls, and the origin is not in `tenants.allowed_origins`.',
    remedy: 'Add the origin (`npm run tenants -- origins`).',
  },
  form_expired: {
    when: 'A form of a hosted page comes without the token of its page and browser.',
    remedy: 'The person loads the page again.',
  },
  invalid_caller: {
    when: 'The header `Latchkey-Caller` is not valid; `detail` says why.',
    remedy: 'Correct the signature, the clock or the credential of your server (docs/clients.md).',
  },
  invalid_mfa_token: {
    when: 'The `mfa_token` is unknown, used, expired, or was tried too often.',
    remedy: SIGN_IN,
  },
  second_factor_disabled: {
    when: 'A hundred wrong codes in a row disabled the second factors of the account.',
    remedy: 'An administrator resets them.',
  },
  no_second_factor: {
    when: 'A second factor is asked of an account that has none.',
    remedy: 'Add one first.',
  },
  second_factors_off: {
    when: 'The tenant setting `second_factor` is `off`.',
    remedy: 'None: factors cannot be added.',
  },
  turnstile_failed: {
    when: 'The tenant wants a token of Cloudflare Turnstile, and `turnstile_token` is missing, wrong, older than five minutes or was used before.',
    remedy: 'Have the widget make a new token, and send the request again with it.',
  },
  trusted_devices_off: {
    when: '`trust_device` is true, and the tenant setting `trusted_devices` is not, or the code is a mailed one. It is not used up.',
    remedy: 'Send the code without `trust_device`.',
  },
  email_not_verified: {
    when: 'A second factor is added to an account whose address is not proved yet.',
    remedy: 'Open the mailed link; `POST /v1/email/resend` mails another one.',
  },
  second_factor_required: {
    when: 'The tenant demands a second factor, and the sign-ins that could add one are used up.',
    remedy: 'An administrator helps.',
  },
  insufficient_scope: {
    when: 'The API key does not have the scope of the operation, or its owner lost that permission.',
    remedy: 'Make a key with the `scope` of `WWW-Authenticate`.',
  },
  api_key_not_accepted: {
    when: 'An API key was sent to an operation of an account: sessions, factors, keys, whatever needs step-up.',
    remedy: 'Send the access token of a sign-in.',
  },
  insufficient_role: {
    when: 'The account does not have the role that the operation needs.',
    remedy: 'Ask an administrator.',
  },
  not_found: { when: 'There is no such path, or nothing of the caller has that id.', remedy: FIX },
  method_not_allowed: { when: 'The path exists, and takes the methods of `Allow`.', remedy: FIX },
  password_disabled: {
    when: 'A hundred sign-ins in a row failed. It is the same answer without an account.',
    remedy: 'Reset the password, or sign in another way.',
  },
  external_id_taken: {
    when: 'Another account of the tenant has the external id.',
    remedy: 'Take it from that account first.',
  },
  email_taken: {
    when: 'Another account has the address. Only where registration signs in at once.',
    remedy: 'Sign in instead.',
  },
  own_account: {
    when: 'An administrator would disable or close their own account, or take the role `admin` from it.',
    remedy: 'Have another administrator do it, or use `DELETE /v1/me`.',
  },
  last_administrator: {
    when: 'No other account that can sign in would administer the tenant.',
    remedy: 'Make another account an administrator first.',
  },
  impersonated: {
    when: 'An access token in which an administrator acts as the person (`act`) is used for more than reading who they are.',
    remedy: 'Use your own token.',
  },
  impersonation_refused: {
    when: 'The tenant does not allow it, or the account is an administrator’s, disabled, or your own.',
    remedy: 'An operator allows it: `npm run tenants -- set <slug> impersonation=allowed`.',
  },
  account_open: { when: 'An account that is not closed would be erased.', remedy: 'Close it first.' },
  account_disabled: {
    when: 'A disabled account would be mailed a link, which would open nothing.',
    remedy: 'Enable it first.',
  },
  account_not_verified: {
    when: 'A role would be granted to an account whose address may be another person’s.',
    remedy: 'Have the person verify it, or do so by hand (`POST /v1/admin/users/{id}/verify-email`).',
  },
  too_many_roles: {
    when: 'The account would have more than 32 roles, which no access token can carry.',
    remedy: 'Revoke one first.',
  },
  account_closed: { when: 'The account is closed.', remedy: 'Restore it first.' },
  passkey_exists: { when: 'The authenticator is registered already.', remedy: 'Nothing to do.' },
  too_many_passkeys: {
    when: 'The account has as many passkeys as it may have.',
    remedy: 'Remove one first.',
  },
  provider_exists: {
    when: 'The tenant has a provider with this slug.',
    remedy: 'Change that one, or choose another slug.',
  },
  too_many_providers: { when: 'The tenant has 50 providers.', remedy: 'Remove one first.' },
  invalid_oauth_state: {
    when: 'The answer of a provider belongs to no sign-in that this browser began here: it expired, was used, or was begun in another browser.',
    remedy: 'Start the sign-in again.',
  },
  last_way_in: { when: 'Removing this would leave no way to sign in.', remedy: 'Add another way first.' },
  passkey_is_second_factor: {
    when: 'The passkey is a second factor of the account already, or still.',
    remedy: 'Before it is deleted: `DELETE /v1/passkeys/{id}/second-factor`.',
  },
  idempotency_key_in_use: {
    when: 'A request with this `Idempotency-Key` is under way.',
    remedy: 'Repeat it after a second.',
  },
  payload_too_large: { when: 'The body is larger than the operation takes.', remedy: FIX },
  unsupported_media_type: { when: 'There is a body, and its type is not `application/json`.', remedy: FIX },
  unknown_host: {
    when: 'No tenant has this host.',
    remedy: 'Call the host of the tenant, or add it (`npm run tenants -- hosts`).',
  },
  invalid_input: { when: 'Fields are not valid; `errors` names each by a JSON pointer.', remedy: FIX },
  password_compromised: {
    when: 'The password is in a list of known ones, or is the address itself.',
    remedy: 'Choose another.',
  },
  idempotency_key_reused: {
    when: 'The `Idempotency-Key` was used for another request.',
    remedy: 'Send a new key with a new request.',
  },
  webhook_target_refused: {
    when: 'The URL is not https on port 443, or its name leads to a private address.',
    remedy: 'Use a public receiver.',
  },
  webhook_disabled: {
    when: 'The endpoint is disabled.',
    remedy: 'Enable it (`PATCH` with `{"state":"enabled"}`) first.',
  },
  too_many_webhooks: {
    when: 'The tenant has as many endpoints as it may have.',
    remedy: 'Delete one first.',
  },
  too_many_api_keys: {
    when: 'The owner has as many API keys as it may have: 25 of a person, 200 of the tenant.',
    remedy: 'Revoke one first.',
  },
  rate_limited: { when: 'A limit is used up (docs/limits.md).', remedy: RETRY },
  internal_error: {
    when: 'A fault of ours; the log has its cause under `request_id`.',
    remedy: 'Report it with the `request_id`.',
  },
  overloaded: { when: 'An isolate has as many password hashes as it takes on.', remedy: RETRY },
  upstream_unavailable: { when: 'PostgreSQL or Redis refused, or a key is missing.', remedy: RETRY },
  upstream_timeout: {
    when: 'PostgreSQL or Redis did not answer in time. Whether a change was made is not known.',
    remedy: `${RETRY} Send an \`Idempotency-Key\` where the operation takes one.`,
  },
}
