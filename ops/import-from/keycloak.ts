/**
 * Keycloak: what `kc.sh export` writes of a realm, in one file or in `<realm>-users-0.json` … beside it; `{"users":[…]}` with
 * `credentials`, whose passwords, TOTP secrets and passkeys are imported (src/admin/import-forms.ts).
 */
import { fullName, objectsIn, wasThere, without } from './fields.ts'
import { identityOf } from './issuers.ts'
import type { Mapper } from './map.ts'
import { type ExportRecord, type Fields, isObject, readDocument } from './records.ts'

export const keycloak: Mapper = async function* (file, { rpId }): AsyncGenerator<ExportRecord> {
  const document = await readDocument(file)
  const realm = Array.isArray(document) ? {} : document
  const users = Array.isArray(document) ? document : realm.users
  if (!Array.isArray(users)) throw new Error('the file has no users: export the realm with its users')
  // Empty where the realm uses the host that was asked.
  const domain = rpId ?? (realm.webAuthnPolicyRpId || realm.webAuthnPolicyPasswordlessRpId || null)
  const issuers = new Map(
    objectsIn(realm.identityProviders).map(({ alias, providerId, config }) => [
      alias,
      { kind: providerId, issuer: (config as Fields | undefined)?.issuer },
    ]),
  )
  for (const user of users) {
    if (!isObject(user)) yield { text: JSON.stringify(user) }
    // A client's own account, which signs no person in.
    else if (!user.serviceAccountClientId) yield { fields: mapUser(user, domain, issuers) }
  }
}

type Issuers = Map<unknown, { kind: unknown; issuer: unknown }>

const LARGE = ['attributes', 'access', 'realmRoles', 'clientRoles', 'groups']

/** Of no use elsewhere, or said by something else. */
const DROPPED = [
  'clientConsents',
  'serviceAccountClientId',
  'origin',
  'federationLink',
  'self',
  'emailConstraint',
]

function mapUser(user: Fields, rpId: unknown, issuers: Issuers): Fields {
  const { firstName, lastName, attributes } = user
  const locale = (attributes as Record<string, unknown[]> | undefined)?.locale?.[0]
  return {
    ...without(user, 'firstName', 'lastName', 'federatedIdentities', ...LARGE, ...DROPPED),
    ...wasThere(user, ...LARGE),
    email: user.email ?? (/@/.test(String(user.username)) ? user.username : undefined),
    name: fullName(firstName, lastName),
    locale,
    rp_id: rpId,
    identities: objectsIn(user.federatedIdentities).map(({ identityProvider, userId }) => {
      const { kind = identityProvider, issuer } = issuers.get(identityProvider) ?? {}
      return identityOf(kind, userId, { issuer })
    }),
  }
}
