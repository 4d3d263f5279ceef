/** What the tables say about a session: used only to prove what is, or is not, stored. */
import type { Client, Tokens } from './client.ts'
import type { Backend } from './service.ts'

type Sql = Pick<Backend, 'sql'>

export async function sessionRow({ sql }: Sql, id: string) {
  const [row] = await sql<{ revoked_at: Date | null; revoke_reason: string | null }>(
    'select revoked_at, revoke_reason from sessions where id = $1',
    [id],
  )
  if (!row) throw new Error(`there is no session ${id}`)
  return row
}

/** Generations of the session's refresh token, oldest first. */
export async function generations({ sql }: Sql, sessionId: string) {
  return sql<{ id: string; parent_id: string | null; key_id: string; used: boolean }>(
    `select id, parent_id, key_id, used_at is not null as used from refresh_tokens
     where session_id = $1 order by created_at, id`,
    [sessionId],
  )
}

/** Moves time for the used tokens of a session: `seconds` have passed since. */
export async function backdateUse({ sql }: Sql, sessionId: string, seconds: number): Promise<void> {
  await sql('update refresh_tokens set used_at = used_at - make_interval(secs => $2) where session_id = $1', [
    sessionId,
    seconds,
  ])
}

/** As if its owner had signed in an hour ago and refreshed since. @returns the tokens that say so */
export async function ageSignIn({ sql }: Sql, client: Client, tokens: Tokens): Promise<Tokens> {
  await sql(`update sessions set auth_time = auth_time - interval '1 hour' where id = $1`, [
    tokens.session.id,
  ])
  return (await client.refresh(tokens.refresh_token)).body
}

/** Events about a user in the outbox, by type. */
export async function countEvents({ sql }: Sql, userId: string): Promise<Record<string, number>> {
  const rows = await sql<{ type: string; count: number }>(
    'select type, count(*)::int as count from events where subject = $1 group by type',
    [userId],
  )
  return Object.fromEntries(rows.map(({ type, count }) => [type, count]))
}

/** Resolves once `count` of our statements wait for a lock in this database. */
export async function untilWaiting({ sql, database }: Pick<Backend, 'sql' | 'database'>, count: number) {
  const deadline = Date.now() + 10_000
  for (;;) {
    const [row] = await sql<{ waiting: number }>(
      `select count(*)::int as waiting from pg_stat_activity
       where datname = $1 and application_name = 'neon-endpoint' and wait_event_type = 'Lock'`,
      [database],
    )
    if ((row?.waiting ?? 0) >= count) return
    if (Date.now() > deadline) throw new Error(`only ${row?.waiting} of ${count} statements came to wait`)
  }
}
