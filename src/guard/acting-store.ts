/**
 * Who acts on an account that is not theirs: an administrator of its tenant, whose session the statement reads, or an
 * operator, by a command. A statement that is written over `caller` serves both, and reaches accounts of that tenant alone.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { Context, JobContext } from '../context.ts'
import { callerOf } from './caller-store.ts'
import type { Admin } from './demands.ts'

export type Acting = { admin: Admin; host: string } | { operatorOf: string }

/** What is done by an administrator, as the statement takes it. */
export const byAdmin = ({ host }: Pick<Context, 'host'>, admin: Admin): Acting => ({ admin, host })

/** By a command. It has the database already, so nothing is demanded of it. */
export const byOperator = (tenantId: string): Acting => ({ operatorOf: tenantId })

/** Members of a `with`: `calling` and `caller`, as `callerOf` has them. An operator is no account, and has no session. */
export const actingOf = (acting: Acting): SQL =>
  'admin' in acting
    ? callerOf(acting.admin, acting.host)
    : sql`
      calling as (select null::jsonb as state),
      caller as (select null::uuid as session_id, null::uuid as user_id, ${acting.operatorOf}::uuid as tenant_id)`

/** The options of `recordEvent`: who did it. What an operator did is told by the sweep, because a command has no queue. */
export const doneBy = (acting: Acting): { actor: SQL; rare: boolean } =>
  'admin' in acting
    ? { actor: sql`${acting.admin.userId}::uuid`, rare: false }
    : { actor: sql`null`, rare: true }

/**
 * The first statement of a batch that changes an account which `acting` may change: no one else makes it wait. The next
 * statement decides, by a snapshot that is taken when the lock is held.
 */
export const lockTarget = ({ db }: Pick<JobContext, 'db'>, acting: Acting, userId: string) =>
  db.execute(sql`
    with ${actingOf(acting)}
    select users.id from users join caller on caller.tenant_id = users.tenant_id
    where users.id = ${userId} for no key update of users`)

/**
 * Before that one, where an administrator may be lost by what is done: of two that would take the last two, one comes
 * second and sees that it is the last.
 */
export const lockAdministrators = ({ db }: Pick<JobContext, 'db'>, acting: Acting) =>
  db.execute(sql`
    with ${actingOf(acting)}
    select tenants.id from tenants join caller on caller.tenant_id = tenants.id for no key update of tenants`)
