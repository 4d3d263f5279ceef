/** Rows of hand-written SQL are read by a schema: what the database does not answer is a fault that names the column. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { selfColumns } from '../../src/accounts/store.ts'
import { BigInteger, inJson, jsonOf, rowsOf, Time } from '../../src/storage/rows.ts'
import { newClient } from '../support/client.ts'
import { useService } from '../support/service.ts'

const service = useService()

/** The person's row as the statement of PATCH /v1/me ends with it, without one of its columns. */
const selfWithout = (left: string, userId: string) => {
  const columns = Object.fromEntries(Object.entries(selfColumns).filter(([name]) => name !== left))
  return sql`select ${jsonOf(columns, sql`users where id = ${userId}`)} as self`
}
const SELF = { self: inJson(selfColumns) }

test('house 3: a row of `users` has every member of the person, as the rest of the code has them', async () => {
  const { db } = service().operator
  const { user } = (await (await newClient(service())).signUp()).tokens
  const [row] = await rowsOf(db, SELF)(selfWithout('', user.id))
  expect(row?.self).toEqual({
    id: user.id,
    email: user.email,
    emailVerifiedAt: null,
    name: null,
    locale: null,
    roles: [],
    operationalMail: true,
    externalId: null,
    publicMetadata: {},
    privateMetadata: {},
  })
})

test.each([
  ['operationalMail', 'operational_mail'],
  ['emailVerifiedAt', 'email_verified_at'],
  ['roles', 'roles'],
  ['id', 'id'],
])(
  'house 3: a statement that forgets %s fails there and says so, instead of answering without it',
  async (left, column) => {
    const { db } = service().operator
    const { email, tokens } = await (await newClient(service())).signUp()
    const statement = selfWithout(left, tokens.user.id)
    const [alone, inBatch] = await Promise.allSettled([
      rowsOf(db, SELF)(statement),
      db.batch([rowsOf(db, SELF)(statement)]),
    ])
    for (const outcome of [alone, inBatch]) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'internal_error' } })
      const { message } = (outcome as PromiseRejectedResult).reason
      expect(message).toBe(`a row has no column ${column}`)
      expect(message).not.toContain(email)
    }
  },
)

test('house 3: times are Dates, from a column and from jsonb, and numbers are numbers', async () => {
  const { db } = service().operator
  const columns = {
    asColumn: Time,
    count: v.number(),
    sequence: BigInteger,
    found: v.nullable(v.object({ createdAt: Time })),
    roles: v.array(v.string()),
  }
  const statement = sql`
    select '2026-11-27 10:00:00.123456+02'::timestamptz as as_column, 3::int as count, (2 ^ 40)::bigint as sequence,
      jsonb_build_object('createdAt', '2026-11-27 10:00:00+02'::timestamptz) as found, array['a', 'b'] as roles`
  const [[row]] = await db.batch([rowsOf(db, columns)(statement)])
  expect(row).toEqual({
    asColumn: new Date('2026-11-27T08:00:00.123Z'),
    count: 3,
    sequence: 2 ** 40,
    found: { createdAt: new Date('2026-11-27T08:00:00Z') },
    roles: ['a', 'b'],
  })
})

test.each([
  [
    'a text where a number belongs',
    sql`'secret' as count, '{}'::jsonb as found`,
    'column count of a row is not number',
  ],
  [
    'a member that is missing',
    sql`1 as count, '{"other": "secret"}'::jsonb as found`,
    'column found.createdAt of a row is missing',
  ],
  [
    'a time that is none',
    sql`1 as count, '{"createdAt": "secret"}'::jsonb as found`,
    'column found.createdAt of a row is not Date',
  ],
])('house 3: %s is named by its place, and what it holds is never said', async (_, list, message) => {
  const columns = { count: v.number(), found: v.object({ createdAt: Time }) }
  const read = rowsOf(service().operator.db, columns)(sql`select ${list}`)
  await expect(read).rejects.toThrow(message)
  await expect(read.catch((error) => String(error))).resolves.not.toContain('secret')
})
