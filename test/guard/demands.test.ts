/** What is demanded of a caller is decided by the row of their session, and the statement and the refusal say the same. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { CALLER, callerOf, callerRow } from '../../src/guard/caller-store.ts'
import { AS_ADMIN, type Caller, type Demands, refuseUnless, STEP_UP } from '../../src/guard/demands.ts'
import { rowsOf } from '../../src/storage/rows.ts'
import { newClient } from '../support/client.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const SECOND_FACTOR: Demands = { aal: 2 }

/** Asks as a write does, of a session that was changed by `change`. */
async function ask(demands: Demands, change = '') {
  const client = await newClient(service())
  const { tokens } = await client.signUpAdmin()
  if (change) await service().sql(change, [tokens.session.id])
  const [header] = tokens.access_token.split('.')
  const { kid } = JSON.parse(Buffer.from(header ?? '', 'base64url').toString())
  const caller = { userId: tokens.user.id, sessionId: tokens.session.id, kid, demands } as Caller
  const [row] = await rowsOf(service().operator.db, { ...CALLER, passed: v.number() })(sql`
    with ${callerOf(caller, client.tenant.host)}
    select ${callerRow}, (select count(*)::int from caller) as passed`)
  if (!row) throw new Error('a statement always ends with a row')
  return { passed: row.passed, refused: refuseUnless(row, caller)?.refused ?? null }
}

const ROLES = (roles: string) =>
  `update users set roles = '${roles}' from sessions where sessions.id = $1 and users.id = user_id`
const SESSION = (set: string) => `update sessions set ${set} where id = $1`

describe('house 1: the statement has its effect exactly where the caller is not refused', () => {
  test.each<[title: string, Demands, change: string, refused: string | null]>([
    ['a live session, of which nothing is demanded', {}, '', null],
    ['a session that ended', {}, SESSION('revoked_at = now()'), 'invalid_token'],
    [
      'an account that was disabled',
      AS_ADMIN,
      `update users set status = 'disabled' from sessions where sessions.id = $1 and users.id = user_id`,
      'invalid_token',
    ],
    ['an administrator', AS_ADMIN, '', null],
    ['one whose role was taken away', AS_ADMIN, ROLES('{support}'), 'insufficient_role'],
    ['a permission that an administrator has', { permission: 'latchkey:audit:read' }, '', null],
    [
      'one that no role of the account has',
      { permission: 'latchkey:audit:read' },
      ROLES('{support}'),
      'insufficient_role',
    ],
    ['roles that an administrator gives', { grants: ['admin', 'any'] }, '', null],
    ['roles that another gives', { grants: ['any'] }, ROLES('{support}'), 'insufficient_role'],
    ['a recent authentication', STEP_UP, SESSION(`auth_time = now() - interval '599 seconds'`), null],
    [
      'one that has grown old',
      STEP_UP,
      SESSION(`auth_time = now() - interval '601 seconds'`),
      'insufficient_user_authentication',
    ],
    ['a password where a second factor is demanded', SECOND_FACTOR, '', 'insufficient_user_authentication'],
    ['a second factor', SECOND_FACTOR, SESSION('aal = 2'), null],
    [
      'an old authentication of an account without the role',
      { ...STEP_UP, ...AS_ADMIN },
      SESSION(`auth_time = now() - interval '1 day'`),
      'insufficient_user_authentication',
    ],
  ])('%s', async (_, demands, change, refused) => {
    expect(await ask(demands, change)).toEqual({ passed: refused === null ? 1 : 0, refused })
  })
})
