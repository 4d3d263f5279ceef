/**
 * Which members of an account's metadata go into its access tokens: the tenant's setting `token_claims`. They say what the
 * product has written, so none may be called as a claim that says something of ours.
 */
import * as v from 'valibot'

/** Those of RFC 9068 and JWT, ours, and what libraries take for who a person is or what they may do. */
const PROTECTED: readonly string[] = [
  ...[
    'iss',
    'sub',
    'aud',
    'exp',
    'nbf',
    'iat',
    'jti',
    'client_id',
    'azp',
    'cnf',
    'act',
    'may_act',
    'nonce',
    'events',
  ],
  ...['sid', 'tid', 'amr', 'acr', 'auth_time', 'at_hash', 'c_hash', 's_hash', 'typ', 'alg', 'kid', 'status'],
  ...[
    'scope',
    'scp',
    'roles',
    'role',
    'groups',
    'permissions',
    'entitlements',
    'authorization_details',
    'admin',
  ],
  ...['email', 'email_verified', 'phone_number', 'phone_number_verified', 'username', 'preferred_username'],
]

const Name = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z][A-Za-z0-9_:./-]{0,99}$/, 'invalid_claim'),
  v.check((name) => !PROTECTED.includes(name.toLowerCase()), 'protected_claim'),
)
const Source = v.pipe(
  v.string(),
  v.regex(/^(?:external_id|(?:public|private)\.[A-Za-z0-9_-]{1,64})$/, 'invalid_source'),
)

const MAX_CLAIMS = 10
/** All together, as JSON; a token must fit into a header. */
const MAX_BYTES = 1024

/** Claim → `external_id`, `public.<member>` or `private.<member>`. */
export const TokenClaims = v.pipe(
  v.record(Name, Source),
  v.check((claims) => Object.keys(claims).length <= MAX_CLAIMS, 'too_many'),
)

type Holder = {
  externalId: string | null
  publicMetadata: Record<string, unknown>
  privateMetadata: Record<string, unknown>
}

/** What of it is there. One that makes the token too long is left out: a sign-in must not fail for what was written here. */
export function claimsOf(
  { token_claims: claims }: { token_claims: v.InferOutput<typeof TokenClaims> },
  { externalId, publicMetadata, privateMetadata }: Holder,
): Record<string, unknown> {
  const held: Record<string, unknown> = {}
  let bytes = 0
  for (const [name, source] of Object.entries(claims)) {
    const [kind = '', member = ''] = source.split('.')
    const from = kind === 'public' ? publicMetadata : kind === 'private' ? privateMetadata : null
    const value = from === null ? externalId : Object.hasOwn(from, member) ? from[member] : undefined
    if (value === undefined || value === null) continue
    const size = new TextEncoder().encode(JSON.stringify([name, value])).length
    if (bytes + size > MAX_BYTES) continue
    bytes += size
    held[name] = value
  }
  return held
}
