/**
 * Better Auth: it has no export, so its tables as one JSON document: `{"user":[…],"account":[…],"passkey":[…],"twoFactor":[…]}`,
 * each a list of rows under the names of its schema (docs/moving-in.md has the query).
 */
import { objectsIn } from './fields.ts'
import { identityOf } from './issuers.ts'
import type { Mapper } from './map.ts'
import { type ExportRecord, type Fields, readDocument } from './records.ts'

export const betterAuth: Mapper = async function* (file, { rpId }): AsyncGenerator<ExportRecord> {
  const document = await readDocument(file)
  if (Array.isArray(document) || !Array.isArray(document.user))
    throw new Error('the file must have the tables of Better Auth: user, account, passkey, twoFactor')
  const [accounts, passkeys, factors] = [document.account, document.passkey, document.twoFactor].map(byUser)
  for (const user of objectsIn(document.user)) {
    const of = (rows: Map<unknown, Fields[]> | undefined) => rows?.get(user.id) ?? []
    yield {
      fields: mapUser(user, { accounts: of(accounts), passkeys: of(passkeys), factors: of(factors), rpId }),
    }
  }
}

function byUser(rows: unknown): Map<unknown, Fields[]> {
  return Map.groupBy(objectsIn(rows), ({ userId }) => userId)
}

type Rows = { accounts: Fields[]; passkeys: Fields[]; factors: Fields[]; rpId: string | null }

/** SQLite and MySQL have no booleans. */
const flagOf = (value: unknown): unknown => (value === 1 ? true : value === 0 ? false : value)

function mapUser(user: Fields, { accounts, passkeys, factors, rpId }: Rows): Fields {
  const password = accounts.find(({ providerId }) => providerId === 'credential')?.password
  // A ban that ends is one until then, as Supabase has it.
  const isForEver = flagOf(user.banned) === true && !user.banExpires
  return {
    ...{ email: user.email, email_verified: flagOf(user.emailVerified), name: user.name },
    ...{ banned: isForEver || null, banned_until: flagOf(user.banned) ? timeOf(user.banExpires) : null },
    role: user.role && true,
    password_hash: typeof password === 'string' ? hashOf(password) : undefined,
    // Its secrets are encrypted under the secret of the application.
    two_factor_secret: factors.length > 0 || undefined,
    twoFactorEnabled: flagOf(user.twoFactorEnabled),
    passkeys: passkeys.map((passkey) => ({
      credential_id: passkey.credentialID,
      public_key: passkey.publicKey,
      rp_id: rpId,
      ...{ counter: passkey.counter, aaguid: passkey.aaguid, name: passkey.name },
      transports: String(passkey.transports ?? '')
        .split(',')
        .filter(Boolean),
      backup_eligible: passkey.deviceType === 'multiDevice',
      backed_up: flagOf(passkey.backedUp),
      second_factor: false,
    })),
    identities: accounts
      .filter(({ providerId }) => providerId !== 'credential')
      .map(({ providerId, accountId }) => identityOf(providerId, accountId)),
    image: undefined,
  }
}

const timeOf = (value: unknown): unknown =>
  typeof value === 'number' ? new Date(value).toISOString() : value

/** `salt:key` in hexadecimal: scrypt of N = 16384, r = 16, p = 1, whose salt is the text itself. */
function hashOf(password: string): string {
  const [, salt, key] = /^([0-9a-f]{32}):([0-9a-f]{128})$/.exec(password) ?? []
  if (salt === undefined || key === undefined) return password
  const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$scrypt$ln=14,r=16,p=1$${base64(Buffer.from(salt))}$${base64(Buffer.from(key, 'hex'))}`
}
