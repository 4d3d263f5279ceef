/**
 * Supabase: rows of `auth.users`, one JSON object a line, with those of `auth.identities` under `identities` and those of
 * `auth.mfa_factors` under `mfa_factors` (docs/moving-in.md has the query); or the answer of its Admin API, which has no hashes.
 */
import { fullName, mapRecords, objectsIn, wasThere, without } from './fields.ts'
import { identityOf } from './issuers.ts'
import type { Mapper } from './map.ts'
import type { Fields } from './records.ts'

export const supabase: Mapper = (file) => mapRecords(file, ['users'], mapUser)

const LARGE = ['raw_app_meta_data', 'raw_user_meta_data', 'app_metadata', 'user_metadata']

/** What belongs to flows that have not ended, or is said elsewhere. */
const PASSING =
  /^(confirmation|recovery|reauthentication|email_change|phone_change)(_|$)|^(invited_at|confirmed_at|is_anonymous)$/

function mapUser(user: Fields): Fields {
  const { full_name, name } = (user.raw_user_meta_data ?? user.user_metadata ?? {}) as Fields
  const factors = objectsIn(user.mfa_factors ?? user.factors).filter(({ status }) => status === 'verified')
  const app = factors.find(({ factor_type, secret }) => factor_type === 'totp' && isPlain(secret))
  const passing = Object.keys(user).filter((field) => PASSING.test(field))
  return {
    ...without(user, 'identities', 'mfa_factors', 'factors', ...passing, ...LARGE),
    ...wasThere(user, ...LARGE),
    name: fullName(name) ?? fullName(full_name),
    totp_secret: app?.secret,
    // Phones, security keys, and secrets that the project encrypts.
    factors: factors.filter((factor) => factor !== app).map(({ factor_type }) => factor_type),
    identities: objectsIn(user.identities)
      .filter(({ provider }) => provider !== 'email' && provider !== 'phone')
      .map(({ provider, provider_id, id, identity_data }) => {
        const { sub, iss, email } = (identity_data ?? {}) as Fields
        return identityOf(provider, provider_id ?? sub ?? id, { email, issuer: iss })
      }),
  }
}

const isPlain = (secret: unknown): boolean => typeof secret === 'string' && /^[A-Z2-7]+=*$/.test(secret)
