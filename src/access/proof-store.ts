/**
 * The proof of an address, by whatever was mailed to it: one relation for links that verify, codes and links that sign in,
 * resets and invitations. Before the first proof an account may be of an attacker who only knew the address (pre-hijacking,
 * pre-hijacking). So the first proof ends what was there: sessions, credentials and every other mailed token.
 */
import { type SQL, sql } from 'drizzle-orm'
import { grantedRoles, markProved, markProvedAndGrant } from '../accounts/proof-store.ts'
import { type AnyRecorder, type Recorder, recordEvent } from '../events/outbox.ts'
import { endedSessions } from '../sessions/ended-store.ts'
import { endAccess, removeAllButPassword } from './store.ts'

/** What it was mailed for, or that a provider of the tenant has proved it. */
type ProvedBy = 'verify_email' | 'sign_in' | 'reset_password' | 'invitation' | 'social' | 'administrator'

/** Who says so, where it is not the account's owner, and what the event says of that. */
type OnWhoseWord = { actor: SQL; rare: boolean; data: SQL }

/**
 * Members of a `with`, after `token` (what `consumeToken` returns; the account's row locked before it): the address is
 * proved (`proved`: the row of `users`), and `planted` is the account whose first proof it was and that lost what was there.
 * @param known a condition over `token` under which nothing is lost: the person who made the account is the one who reads the mail
 */
export const proveAddress = (
  ctx: AnyRecorder,
  by: ProvedBy,
  known: SQL = sql`false`,
  word?: OnWhoseWord,
): SQL => sql`
  planted as (select * from token where email_verified_at is null and not (${known})),
  ${endAccess(sql`planted`, { reason: 'secured', credentials: 'removed' })},
  proved as (${markProved(sql`exists (select from planted)`)}),
  ${recordProof(ctx, by, passwordLeft, word)}`

/**
 * The same where a password is chosen with it: all that is older ends whether or not the proof is the first, and the caller
 * stores the password. What else opened the account ends with a first proof alone: a forgotten password says nothing against an owner's. The
 * account accepts what the token grants (`granted`).
 */
export const proveAndSecure = (ctx: Recorder, by: ProvedBy, name: string | null): SQL => sql`
  ${endAccess(sql`token`, { reason: 'secured', credentials: 'kept' })},
  planted as (select * from token where email_verified_at is null),
  ${removeAllButPassword(sql`planted`)},
  ${grantedRoles},
  proved as (${markProvedAndGrant(name)}),
  ${recordProof(ctx, by, sql`'set'::text`)}`

/** After `proveAddress`, what became of the password: `removed`, `kept` or `none`. */
export const passwordLeft: SQL = sql`
  case when exists (select from removed_passwords) then 'removed'
    when exists (select from passwords join token on token.user_id = passwords.user_id) then 'kept' else 'none' end`

/** The event of a first proof. */
function recordProof(ctx: AnyRecorder, by: ProvedBy, password: SQL, word?: OnWhoseWord): SQL {
  const happened = sql`
    select tenant_id, user_id as subject,
      jsonb_build_object('by', ${by}::text, 'password', ${password}) || ${endedSessions}
        || ${word?.data ?? sql`'{}'::jsonb`} as data
    from token where email_verified_at is null`
  // Most who sign in have proved their address long ago.
  return sql`proof_recorded as (${recordEvent(ctx, 'email.verified', happened, { rare: by === 'sign_in', ...word })})`
}
