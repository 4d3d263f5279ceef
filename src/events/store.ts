/** The outbox's rows, as the consumer and the sweep read and settle them. */
import { and, asc, inArray, isNotNull, isNull, lt, lte, or, sql } from 'drizzle-orm'
import type { Context, JobContext } from '../context.ts'
import { events, personKeys, tenantHosts } from '../storage/schema.ts'

const columns = {
  id: events.id,
  tenantId: events.tenantId,
  type: events.type,
  subject: events.subject,
  actor: events.actor,
  data: events.data,
  client: events.client,
  occurredAt: events.createdAt,
  priority: events.priority,
}

export type RecordedRow = Awaited<ReturnType<typeof findRecorded>>[number]

/** Those of `ids` that were not handed on yet; the others were never written, are done, or are parked. */
export function findRecorded({ db }: Pick<JobContext, 'db'>, ids: string[]) {
  return db
    .select(columns)
    .from(events)
    .where(and(inArray(events.id, ids), isNull(events.dispatchedAt), isNull(events.parkedAt)))
}

/** A place in the order of the sweep. */
export type Place = Pick<RecordedRow, 'priority' | 'id'>

/** What waits after the place `after`, was committed `olderThanSeconds` ago and is due, in the order of `events_pending`. */
export function findLeftOver(
  { db }: Pick<JobContext, 'db'>,
  { after, olderThanSeconds, limit }: { after: Place; olderThanSeconds: number; limit: number },
) {
  return db
    .select(columns)
    .from(events)
    .where(
      and(
        isNull(events.dispatchedAt),
        isNull(events.parkedAt),
        sql`(${events.priority}, ${events.id}) > (${after.priority}, ${after.id}::uuid)`,
        lt(events.createdAt, sql`now() - make_interval(secs => ${olderThanSeconds})`),
        or(isNull(events.retryAt), lte(events.retryAt, sql`now()`)),
      ),
    )
    .orderBy(asc(events.priority), asc(events.id))
    .limit(limit)
}

/** Locks them in order of id: two consumers may settle some of the same. */
export async function markDispatched({ db }: Pick<JobContext, 'db'>, ids: string[]): Promise<void> {
  const waiting = db
    .select({ id: events.id })
    .from(events)
    .where(and(inArray(events.id, ids), isNull(events.dispatchedAt)))
    .orderBy(asc(events.id))
    .for('update')
  await db.update(events).set({ dispatchedAt: sql`clock_timestamp()` }).where(inArray(events.id, waiting))
}

/** Which tenants these hosts serve. */
export async function findTenantsOf(
  { db }: Pick<JobContext, 'db'>,
  hosts: string[],
): Promise<Map<string, string>> {
  const rows = await db
    .select({ host: tenantHosts.host, tenantId: tenantHosts.tenantId })
    .from(tenantHosts)
    .where(inArray(tenantHosts.host, hosts))
  return new Map(rows.map(({ host, tenantId }) => [host, tenantId]))
}

/**
 * Inserts the keys of those who have none: people, and tenants for data of no person. An erased person has no address and
 * gets no key: the lock makes an erasure that is under way either see the key or be seen.
 * @returns all keys that exist
 */
export async function makePersonKeys(
  { db }: Pick<Context, 'db'>,
  keys: { userId: string; sealedKey: string }[],
) {
  const made = db.execute(sql`
    with made as (
      select * from jsonb_to_recordset(${JSON.stringify(keys.map(({ userId, sealedKey }) => ({ user_id: userId, sealed_key: sealedKey })))}::jsonb)
        as made(user_id uuid, sealed_key text)),
    people as (
      select users.id, users.tenant_id, made.sealed_key from made
      join users on users.id = made.user_id and users.email is not null
      order by users.id for share of users)
    insert into person_keys (user_id, tenant_id, sealed_key)
    select * from people
    union all select tenants.id, tenants.id, made.sealed_key from made join tenants on tenants.id = made.user_id
    order by 1
    on conflict (user_id) do nothing`)
  const [, rows] = await db.batch([
    made,
    findPersonKeys(
      { db },
      keys.map(({ userId }) => userId),
    ),
  ])
  return rows
}

export function findPersonKeys({ db }: Pick<Context, 'db'>, userIds: string[]) {
  return db
    .select({ userId: personKeys.userId, sealedKey: personKeys.sealedKey })
    .from(personKeys)
    .where(inArray(personKeys.userId, userIds))
}

/** Erases what the outbox and the keys hold of people; what the audit log sealed under a key is gone with it. */
export async function erasePersonKeys({ db }: Pick<Context, 'db'>, userIds: string[]): Promise<void> {
  await db.batch([
    db.delete(personKeys).where(inArray(personKeys.userId, userIds)),
    db
      .update(events)
      .set({ client: null })
      .where(
        and(
          // What they did: to themselves, or to others, each by its index.
          or(
            and(
              inArray(events.subject, userIds),
              sql`coalesce(${events.actor}, ${events.subject}) = ${events.subject}`,
            ),
            and(inArray(events.actor, userIds), sql`${events.actor} is distinct from ${events.subject}`),
          ),
          isNotNull(events.client),
        ),
      ),
  ])
}
