/**
 * Clerk: the CSV of the Dashboard's user export, which has password digests and TOTP secrets, and the JSON array of its Backend
 * API (`clerk migrate export clerk`), which has neither.
 */
import { fullName, mapRecords, objectsIn, wasThere, without } from './fields.ts'
import { identityOf } from './issuers.ts'
import type { Mapper } from './map.ts'
import type { Fields } from './records.ts'

export const clerk: Mapper = (file) =>
  mapRecords(file, ['data', 'users'], (user) =>
    Object.hasOwn(user, 'primary_email_address') ? mapRow(user) : mapUser(user),
  )

const isIn = (list: unknown, address: unknown): boolean =>
  String(list)
    .split(/[|,;\s]+/)
    .includes(String(address))

function mapRow(row: Fields): Fields {
  const email = row.primary_email_address
  return {
    email,
    email_verified: email !== '' && isIn(row.verified_email_addresses, email),
    name: fullName(row.first_name, row.last_name),
    password_digest: row.password_digest,
    totp_secret: row.totp_secret,
    ...wasThere(row, 'username'),
    ...(row.primary_phone_number ? { phone_number: true } : {}),
  }
}

function mapUser(user: Fields): Fields {
  const addresses = objectsIn(user.email_addresses)
  const primary = addresses.find(({ id }) => id === user.primary_email_address_id) ?? addresses[0]
  const { status } = (primary?.verification ?? {}) as Fields
  const { banned, locked, totp_enabled, backup_code_enabled, password_digest, totp_secret } = user
  return {
    ...{ email: primary?.email_address, email_verified: status === 'verified' },
    ...{ banned, locked, password_digest, totp_secret },
    // `two_factor_enabled` says the same as these, and is true of codes by SMS too.
    ...{ totp_enabled, backup_code_enabled, two_factor_enabled: user.two_factor_enabled },
    name: fullName(user.first_name, user.last_name),
    passkeys: objectsIn(user.passkeys).map((passkey) => ({
      ...without(passkey, 'verification'),
      second_factor: false,
    })),
    identities: objectsIn(user.external_accounts).map(({ provider, provider_user_id, email_address }) =>
      identityOf(provider, provider_user_id, { email: email_address }),
    ),
    ...wasThere(user, 'username', 'image_url', 'phone_numbers'),
    ...(user.public_metadata || user.private_metadata ? { app_metadata: true } : {}),
  }
}
