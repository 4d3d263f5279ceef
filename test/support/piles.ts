/** Sessions in numbers that no test signs in: what a thief with a known browser used to pile up. */
import type { Tokens } from './client.ts'
import type { Backend } from './service.ts'

/**
 * So many more live sessions of the account, each like the one that signed in. Their ids come after every other: whatever
 * ends the newest first finds these before it finds a real one.
 */
export async function pileUpSessions(
  { sql }: Pick<Backend, 'sql'>,
  { session }: Pick<Tokens, 'session'>,
  count: number,
): Promise<void> {
  await sql(
    `insert into sessions (id, tenant_id, user_id, created_at, expires_at, idle_expires_at, amr, aal)
     select ('f' || substr(md5(id::text || n), 2))::uuid, tenant_id, user_id, created_at, expires_at, idle_expires_at, amr, aal
     from sessions cross join generate_series(1, $2::int) as n where id = $1`,
    [session.id, count],
  )
  await sql('analyze sessions')
}

/** How many sessions of the account are ended in their rows, and how many are not. */
export async function countRows({ sql }: Pick<Backend, 'sql'>, userId: string) {
  const [row] = await sql<{ ended: number; open: number; ending: string | null }>(
    `select count(*) filter (where revoked_at is not null)::int as ended,
       count(*) filter (where revoked_at is null)::int as open,
       (select ending_reason from users where id = $1) as ending
     from sessions where user_id = $1`,
    [userId],
  )
  return row
}
