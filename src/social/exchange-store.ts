/** The SQL that uses up an app's code and begins its session. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import type { Recorder } from '../events/outbox.ts'
import { sessionIsLive } from '../guard/live-store.ts'
import type { Refusal } from '../problem.ts'
import { type Beginning, type Begun, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin } from '../sign-in/start-store.ts'
import { rowsOf } from '../storage/rows.ts'
import { oauthExchanges } from '../storage/schema.ts'
import { EXCHANGE_SECONDS } from './sign-in-store.ts'

/**
 * A code for the account of a live session, with what that session has passed: for a person who signed in on a page of ours, and
 * goes on to a product elsewhere.
 * @returns whether it was made
 */
export async function insertCode(
  { db, host }: Pick<Context, 'db' | 'host'>,
  { sessionId, tenantId, codeChallenge, hash }: NewCode,
): Promise<boolean> {
  const rows = await rowsOf(db, { userId: v.string() })(sql`
    insert into oauth_exchanges (code_hash, tenant_id, user_id, code_challenge, amr, aal, created_at, expires_at)
    select ${sql.param(hash, oauthExchanges.codeHash)}::bytea, sessions.tenant_id, sessions.user_id, ${codeChallenge},
      sessions.amr, sessions.aal, clock_timestamp(), clock_timestamp() + make_interval(secs => ${EXCHANGE_SECONDS})
    from sessions
    join users on users.id = sessions.user_id and ${userIsActive}
    join tenant_hosts on tenant_hosts.tenant_id = sessions.tenant_id and tenant_hosts.host = ${host}
    where sessions.id = ${sessionId} and sessions.tenant_id = ${tenantId} and ${sessionIsLive}
    returning user_id`)
  return rows.length > 0
}

export type NewCode = { sessionId: string; tenantId: string; codeChallenge: string; hash: Uint8Array }

/** @returns null where nothing begins: the code is unknown, used or late, or was given to who holds another verifier */
export async function beginByExchange(
  ctx: Pick<Context, 'db' | 'settings' | 'outcome'> & Recorder,
  { hash, challenge }: { hash: Uint8Array; challenge: string },
  beginning: Beginning,
): Promise<Begun | Refusal | null> {
  const { tenant } = beginning
  const codeHash = sql`${sql.param(hash, oauthExchanges.codeHash)}::bytea`
  const isUsable = sql`(users.email_verified_at is not null or ${tenant.policy.registration === 'sign-in-at-once'}::boolean)`
  const lock = ctx.db.execute(sql`
    select users.id from oauth_exchanges join users on users.id = oauth_exchanges.user_id
    where oauth_exchanges.code_hash = ${codeHash} for no key update of users`)
  // What has ended the account's sessions since has ended this too.
  const who = sql`select users.* from users join exchanged on exchanged.user_id = users.id
    where ${userIsActive} and ${isUsable} and exchanged.created_at >= coalesce(users.access_valid_from, '-infinity')`
  const decide = rowsOf(ctx.db, { begun: v.unknown() })(sql`
    with exchanged as (
      update oauth_exchanges set consumed_at = clock_timestamp()
      where code_hash = ${codeHash} and tenant_id = ${tenant.id} and code_challenge = ${challenge}
        and consumed_at is null and expires_at > clock_timestamp()
      returning user_id, created_at),
    ${begin(ctx, beginning, who)}
    select ${BEGUN} as begun`)
  const [, [row]] = await ctx.db.batch([lock, decide])
  return readBegun(ctx, beginning, row?.begun)
}
