/** An account that an administrator or an operator does something about: who asks, what it is now, and what became of it. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { isLastAdministrator } from '../accounts/administrators-store.ts'
import type { JobContext } from '../context.ts'
import { type Acting, actingOf, lockAdministrators, lockTarget } from '../guard/acting-store.ts'
import { CALLER, callerRow } from '../guard/caller-store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

/** The account whose change is asked for, by whom, and why: free text that goes into the event. */
export type Target = { acting: Acting; userId: string; reason?: string | null | undefined }

/** What an account is to those who administer it. */
export const STATUSES = ['active', 'disabled', 'closed', 'erased'] as const
export type Status = (typeof STATUSES)[number]

/** Over `users`. Of an account that is being erased the address is gone first. */
export const statusNow: SQL = sql`
  case when users.erased_at is not null or users.email is null then 'erased' when users.deleted_at is not null then 'closed'
    else users.status end`

/** What an event says of why. */
export const reasonOf = (reason: string | null = null): SQL =>
  sql`jsonb_strip_nulls(jsonb_build_object('reason', ${reason}::text))`

const OUTCOME = {
  ...CALLER,
  /** As the account was before; null where the tenant has no such account. */
  status: v.nullable(v.picklist(STATUSES)),
  isOwn: v.boolean(),
  isLast: v.boolean(),
  isChanged: v.boolean(),
}
export type Outcome = Row<typeof OUTCOME>

/** What there is to say of a caller whose session is over. */
const NOTHING: Outcome = { caller: null, status: null, isOwn: false, isLast: false, isChanged: false }

type Decision = {
  /** Members of a `with`, over `caller` and `target`: they decide, do it and record it. */
  members: SQL
  /** Whether the tenant may lose an administrator by it. */
  losesAdministrator?: boolean
}

/** One change of one account. @param decision.changed the member that has a row where something was done */
export async function changeAccount(
  ctx: Pick<JobContext, 'db'>,
  target: Target,
  { changed, ...decision }: Decision & { changed: SQL },
): Promise<Outcome> {
  return (await decideOn(ctx, target, OUTCOME, { ...decision, outcome: outcomeOf(changed) })) ?? NOTHING
}

/**
 * As one batch: the account's row is locked, then one statement decides.
 * @param shape what the row has that `outcome` selects
 */
export async function decideOn<Shape extends v.ObjectEntries>(
  ctx: Pick<JobContext, 'db'>,
  { acting, userId }: Target,
  shape: Shape,
  { members, outcome, losesAdministrator = false }: Decision & { outcome: SQL },
): Promise<Row<Shape> | undefined> {
  const decide = rowsOf(
    ctx.db,
    shape,
  )(sql`
    with ${actingOf(acting)},
    target as (${targetOf(userId)}),
    ${members}
    ${outcome}`)
  const lock = lockTarget(ctx, acting, userId)
  const results = losesAdministrator
    ? await ctx.db.batch([lockAdministrators(ctx, acting), lock, decide])
    : await ctx.db.batch([lock, decide])
  const [row] = results.at(-1) as Row<Shape>[] // the last of either batch
  return row
}

/** Over `caller`: the account, as it is now, if it is of that tenant. */
const targetOf = (userId: string): SQL => sql`
  select users.*, ${statusNow} as status_now, users.id is not distinct from caller.user_id as is_own,
    ${isLastAdministrator} as is_last
  from users join caller on caller.tenant_id = users.tenant_id where users.id = ${userId}`

/** The end of a statement with `target`. @param changed the member that has a row where something was done */
const outcomeOf = (changed: SQL): SQL => sql`
  select ${callerRow}, (select status_now from target) as status, exists (select from target where is_own) as is_own,
    exists (select from target where is_last) as is_last, exists (select from ${changed}) as is_changed`
