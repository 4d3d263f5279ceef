/**
 * The tables whose sealed columns outlive a rotation, and how their rows move to the newest key: read a page at a time in
 * the order of their primary keys, and written where they still are what was read, so that a sign-in, a reset or an
 * erasure in between wins. Everything else that is sealed or hashed under a key expires.
 */
import { type SQL, sql } from 'drizzle-orm'
import { NO_PEPPER } from '../src/crypto/foreign-hash.ts'
import type { Keyring } from '../src/crypto/keyring.ts'
import { open, seal } from '../src/crypto/sealing.ts'
import { sealHash } from '../src/passwords/sealed-password-hash.ts'
import type { OperatorContext } from './context.ts'

type Values = (string | null)[]
type Row = { id: string; values: Values }
type Change = { id: string; old: Values; new: Values }

export type SealedTable = {
  name: string
  /** What its rows are to an operator. */
  usedBy: string
  keyring: 'AUTH_KEYS' | 'SIGNING_SEAL_KEYS'
  idType: 'uuid' | 'text'
  id: string
  columns: string[]
  /** The ids of the keys that a row of these columns names, as an expression that yields one row for each. */
  keyIds: SQL
  /** @returns null where the row names no older key; throws, or yields `unreadable`, where it does not open */
  reseal(keyring: Keyring, row: Row, random: OperatorContext['random']): Promise<Values | 'unreadable' | null>
}

const sealedText =
  (purpose: string): SealedTable['reseal'] =>
  async (keyring, { id, values }, random) => {
    const isOld = (text: string | null) => text !== null && text.split('.')[0] !== keyring[0].keyId
    if (!values.some(isOld)) return null
    const moved: Values = []
    for (const text of values) {
      if (text === null || !isOld(text)) moved.push(text)
      else {
        const opened = await open(keyring, purpose, text, id)
        if (!opened) return 'unreadable'
        moved.push(await seal(keyring, purpose, opened, id, random))
      }
    }
    return moved
  }

export const SEALED_TABLES: readonly SealedTable[] = [
  {
    name: 'passwords',
    usedBy: 'passwords',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'user_id',
    columns: ['phc', 'key_id'],
    keyIds: sql`values (key_id)`,
    reseal: async (keyring, { id, values: [phc, keyId] }, random) => {
      if (!phc || !keyId || keyId === NO_PEPPER || keyId === keyring[0].keyId) return null
      const moved = await sealHash(keyring, { phc, keyId }, id, random)
      return [moved.phc, moved.keyId]
    },
  },
  {
    name: 'person_keys',
    usedBy: 'keys of people and tenants',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'user_id',
    columns: ['sealed_key'],
    keyIds: sql`values (split_part(sealed_key, '.', 1))`,
    reseal: sealedText('seal:person'),
  },
  {
    name: 'webhook_endpoints',
    usedBy: 'webhook secrets',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'id',
    columns: ['sealed_secret', 'sealed_previous_secret'],
    keyIds: sql`values (split_part(sealed_secret, '.', 1)), (split_part(sealed_previous_secret, '.', 1))`,
    reseal: sealedText('seal:webhook'),
  },
  {
    name: 'providers',
    usedBy: 'secrets of sign-in providers',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'id',
    columns: ['sealed_secret'],
    keyIds: sql`values (split_part(sealed_secret, '.', 1))`,
    reseal: sealedText('seal:provider'),
  },
  {
    name: 'foreign_key_secrets',
    usedBy: 'HMAC keys of imported API keys',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'id',
    columns: ['sealed_secret'],
    keyIds: sql`values (split_part(sealed_secret, '.', 1))`,
    reseal: sealedText('seal:foreign-key'),
  },
  {
    name: 'tenants',
    usedBy: 'secrets of Turnstile',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'id',
    columns: ['turnstile_secret'],
    keyIds: sql`values (split_part(turnstile_secret, '.', 1))`,
    reseal: sealedText('seal:turnstile'),
  },
  {
    name: 'totp_factors',
    usedBy: 'secrets of authenticator apps',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'id',
    columns: ['sealed_secret'],
    keyIds: sql`values (split_part(sealed_secret, '.', 1))`,
    reseal: sealedText('seal:totp'),
  },
  {
    name: 'recovery_codes',
    usedBy: 'recovery codes',
    keyring: 'AUTH_KEYS',
    idType: 'uuid',
    id: 'id',
    columns: ['sealed_hash'],
    keyIds: sql`values (split_part(sealed_hash, '.', 1))`,
    reseal: sealedText('seal:recovery-code'),
  },
  {
    name: 'signing_keys',
    usedBy: 'signing keys',
    keyring: 'SIGNING_SEAL_KEYS',
    idType: 'text',
    id: 'kid',
    columns: ['sealed_private_jwk'],
    keyIds: sql`values (split_part(sealed_private_jwk, '.', 1))`,
    reseal: sealedText('seal:signing-key'),
  },
]

const valuesOf = ({ columns }: SealedTable) =>
  sql`jsonb_build_array(${sql.join(
    columns.map((column) => sql.identifier(column)),
    sql`, `,
  )})`

/** The next rows after the id `after`, in order of it. */
export async function readSealedRows(
  { db }: Pick<OperatorContext, 'db'>,
  table: SealedTable,
  after: string | null,
  limit: number,
): Promise<Row[]> {
  const id = sql.identifier(table.id)
  const { rows } = await db.execute<Row>(sql`
    select ${id}::text as id, ${valuesOf(table)} as values from ${sql.identifier(table.name)} as stored
    where ${after === null ? sql`true` : sql`stored.${id} > ${after}::${sql.raw(table.idType)}`}
    order by stored.${id} limit ${limit}`)
  return rows
}

/** Writes the changes of rows that still are what was read. @returns how many were */
export async function writeSealedRows(
  { db }: Pick<OperatorContext, 'db'>,
  table: SealedTable,
  changes: readonly Change[],
): Promise<number> {
  const [name, id] = [sql.identifier(table.name), sql.identifier(table.id)]
  const settings = table.columns.map(
    (column, index) => sql`${sql.identifier(column)} = unchanged.moved ->> ${sql.raw(String(index))}`,
  )
  const { rows } = await db.execute(sql`
    with made as (
      select (value ->> 'id')::${sql.raw(table.idType)} as id, value -> 'old' as old, value -> 'new' as moved
      from jsonb_array_elements(${JSON.stringify(changes)}::jsonb)),
    unchanged as (
      select stored.${id} as id, made.moved from ${name} as stored join made on made.id = stored.${id}
      where ${valuesOf(table)} = made.old order by stored.${id} for no key update of stored)
    update ${name} as target set ${sql.join(settings, sql`, `)}
    from unchanged where target.${id} = unchanged.id returning 1`)
  return rows.length
}
