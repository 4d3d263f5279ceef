/**
 * Auth0: the bulk export of users (one JSON object a line), the export of password hashes that support makes (one a line, with
 * `_id` and `passwordHash`), and files for its bulk import (a JSON array), with `custom_password_hash` and `mfa_factors`.
 */
import { fullName, mapRecords, objectsIn, wasThere, without } from './fields.ts'
import { identityOf } from './issuers.ts'
import type { Mapper } from './map.ts'
import type { Fields } from './records.ts'

export const auth0: Mapper = (file) => mapRecords(file, ['users'], mapUser)

function mapUser(user: Fields): Fields {
  const { name, given_name, family_name, email } = user
  // Without a name Auth0 puts the address there.
  const own = name === email ? null : name
  return {
    ...without(user, 'name', 'given_name', 'family_name', 'identities', ...LARGE),
    ...wasThere(user, ...LARGE),
    name: own ?? fullName(given_name, family_name),
    identities: objectsIn(user.identities)
      // `auth0` is the database of passwords, which the password is of.
      .filter(({ provider }) => provider !== 'auth0')
      .map(({ provider, user_id, profileData }) =>
        identityOf(provider, user_id, { email: (profileData as Fields | undefined)?.email }),
      ),
  }
}

const LARGE = ['app_metadata', 'user_metadata', 'picture']
