/** The SQL of an import: a batch of accounts in one statement, in which the unique index decides which are new. */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { forgetAttemptsAt } from '../accounts/attempts-store.ts'
import { insertUsers } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { NO_PEPPER } from '../crypto/foreign-hash.ts'
import { clientOf, type Recorder, recordEach } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import type { Admin, CallerRow } from '../guard/demands.ts'
import { insertPasswords } from '../passwords/imported-store.ts'
import { rowsOf } from '../storage/rows.ts'
import type { NewImport } from './import-users.ts'

/** For an operator, who is no caller of a request: the sweep hands the events on within a minute. @returns the new ids */
export async function insertImports(
  { db }: Pick<Context, 'db'>,
  tenantId: string,
  imports: NewImport[],
): Promise<string[]> {
  const [row] = await rowsOf(
    db,
    CREATED,
  )(sql`
    with tenant as (select ${tenantId}::uuid as tenant_id),
    ${insertMembers(imports, sql`tenant`, sql`null::uuid`, null)}
    select ${createdIds}`)
  return row?.created ?? []
}

/**
 * For an administrator, decided together with whether the caller is one: hand the row to `refuseUnless`.
 * @returns the ids that are new; none where the caller is refused
 */
export async function insertImportsAsAdmin(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  caller: Admin,
  imports: NewImport[],
): Promise<{ caller: CallerRow; created: string[] }> {
  const [row] = await rowsOf(ctx.db, { ...CALLER, ...CREATED })(sql`
    with ${callerOf(caller, ctx.host)},
    ${insertMembers(imports, sql`caller`, sql`${caller.userId}::uuid`, JSON.stringify(clientOf(ctx)))}
    select ${callerRow}, ${createdIds}`)
  const inserted = row ?? { caller: null, created: [] }
  const created = new Set(inserted.created)
  ctx.happened.recorded.push(...imports.flatMap(({ id, eventId }) => (created.has(id) ? [eventId] : [])))
  return inserted
}

/** The tenant of that slug, or, without one, the only tenant that there is. */
export async function findTenants(
  { db }: Pick<Context, 'db'>,
  slug: string | null,
): Promise<{ id: string; slug: string }[]> {
  return rowsOf(db, { id: v.string(), slug: v.string() })(sql`
    select id, slug from tenants where ${slug}::text is null or slug = ${slug} order by slug limit 2`)
}

/** The ids of `account`, as a list in a column `created`. */
const createdIds = sql`(select coalesce(jsonb_agg(id), '[]'::jsonb) from account) as created`
const CREATED = { created: v.array(v.string()) }

/**
 * The members of a `with` that insert accounts, passwords and events, and forget the failures counted for an address
 * while it had no account, as a registration does.
 * @param tenant a member with the one column `tenant_id` that matters, and at most one row
 */
function insertMembers(imports: NewImport[], tenant: SQL, actor: SQL, client: string | null): SQL {
  return sql`
    entry as (
      select entry.*, ${tenant}.tenant_id from jsonb_to_recordset(${JSON.stringify(imports)}::jsonb) as entry(
        id uuid, "eventId" uuid, email text, "emailVerified" boolean, disabled boolean, name text, locale text, roles text[], "storedHash" text)
      cross join ${tenant}),
    account as (${insertUsers(sql`(select *, "emailVerified" as email_verified from entry) as entry`)}),
    stored as (${insertPasswords(sql`
      select id, account.tenant_id, "storedHash", ${NO_PEPPER} from account join entry using (id)
      where "storedHash" is not null`)}),
    failures_forgotten as (${forgetAttemptsAt(sql`account`)}),
    recorded as (${recordEach(
      'user.imported',
      sql`select "eventId" as id, account.tenant_id, id as subject from account join entry using (id)`,
      { actor, client },
    )})`
}
