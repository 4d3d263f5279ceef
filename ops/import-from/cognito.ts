/**
 * Cognito: the answers of `aws cognito-idp list-users` (`{"Users":[…]}`), or of `admin-get-user` one a line, which also say which
 * second factors there are. It gives out neither hashes nor secrets.
 */
import { mapRecords, objectsIn, wasThere } from './fields.ts'
import { identityOf } from './issuers.ts'
import type { Mapper } from './map.ts'
import { type Fields, isObject } from './records.ts'

export const cognito: Mapper = (file) => mapRecords(file, ['Users'], mapUser)

function mapUser(user: Fields): Fields {
  const list = objectsIn(user.Attributes ?? user.UserAttributes)
  const said = Object.fromEntries(list.map(({ Name, Value }) => [String(Name), Value]))
  const { email, email_verified, name, locale, 'cognito:mfa_enabled': mfa } = said
  const { Enabled, UserStatus, MFAOptions, UserMFASettingList, PreferredMfaSetting } = user
  return {
    ...{ email, name, locale, Enabled, UserStatus },
    // Attributes are texts.
    email_verified: email_verified === 'true' ? true : email_verified === 'false' ? false : email_verified,
    ...{ 'cognito:mfa_enabled': mfa, MFAOptions, UserMFASettingList, PreferredMfaSetting },
    identities: identitiesIn(said.identities),
    ...wasThere(said, 'phone_number', 'given_name', 'family_name', 'picture'),
    ...(Object.keys(said).some((attribute) => attribute.startsWith('custom:')) && { customAttributes: true }),
  }
}

/** A list in JSON in a text. */
function identitiesIn(text: unknown) {
  const read = typeof text === 'string' ? parsed(text) : []
  return objectsIn(read).map(({ providerType, userId, issuer }) =>
    identityOf(providerType, userId, { issuer }),
  )
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? [value] : value
  } catch {
    return [] // no list: nothing is known of them
  }
}
