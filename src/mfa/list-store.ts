/** The SQL of listing second factors. */
import { and, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { Time } from '../storage/rows.ts'
import { sessions, tenantHosts, totpFactors } from '../storage/schema.ts'

const PASSKEYS = v.array(v.object({ id: v.string(), type: v.literal('passkey'), confirmedAt: Time }))

export const listFactors = (ctx: Pick<Context, 'db' | 'host'>, sid: string | SQL) =>
  ctx.db
    .select({
      id: totpFactors.id,
      confirmedAt: totpFactors.confirmedAt,
      /** A passkey showed that it works when it was made. */
      passkeys: sql`(
        select coalesce(jsonb_agg(jsonb_build_object('id', id, 'type', 'passkey', 'confirmedAt', created_at) order by id), '[]')
        from passkeys where user_id = ${sessions.userId} and is_second_factor)`.mapWith((value: unknown) =>
        v.parse(PASSKEYS, value),
      ),
      codesLeft: sql<number>`(
        select count(*)::int from recovery_codes where user_id = ${sessions.userId} and used_at is null)`,
    })
    .from(tenantHosts)
    .innerJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenantHosts.tenantId)))
    .leftJoin(totpFactors, and(eq(totpFactors.userId, sessions.userId), isNotNull(totpFactors.confirmedAt)))
    .where(eq(tenantHosts.host, ctx.host))
