/** Firebase: what `firebase auth:export users.json` writes, `{"users":[…]}`; hashes need `--firebase hash_config.json` too. */
import { mapRecords, objectsIn, wasThere, without } from './fields.ts'
import { identityOf } from './issuers.ts'
import type { Mapper } from './map.ts'
import type { Fields } from './records.ts'

export const firebase: Mapper = (file) => mapRecords(file, ['users'], mapUser)

const LARGE = ['customAttributes', 'photoUrl']

function mapUser(user: Fields): Fields {
  return {
    ...without(user, 'providerUserInfo', ...LARGE),
    ...wasThere(user, ...LARGE),
    identities: objectsIn(user.providerUserInfo)
      .filter(({ providerId }) => providerId !== 'password' && providerId !== 'phone')
      .map(({ providerId, rawId, email }) => identityOf(providerId, rawId, { email })),
  }
}
