/** The SQL of listing second factors. */
import { and, eq, isNotNull, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { sessions, tenantHosts, totpFactors } from '../storage/schema.ts'

export const listFactors = (ctx: Pick<Context, 'db' | 'host'>, sid: string) =>
  ctx.db
    .select({
      id: totpFactors.id,
      confirmedAt: totpFactors.confirmedAt,
      codesLeft: sql<number>`(
        select count(*)::int from recovery_codes where user_id = ${sessions.userId} and used_at is null)`,
    })
    .from(tenantHosts)
    .innerJoin(sessions, and(eq(sessions.id, sid), eq(sessions.tenantId, tenantHosts.tenantId)))
    .leftJoin(totpFactors, and(eq(totpFactors.userId, sessions.userId), isNotNull(totpFactors.confirmedAt)))
    .where(eq(tenantHosts.host, ctx.host))
