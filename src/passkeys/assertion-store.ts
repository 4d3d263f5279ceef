/** The SQL of an assertion that was verified: its challenge is used up, and its passkey counts one use more. */
import { type SQL, sql } from 'drizzle-orm'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { Ceremony } from './ceremony.ts'
import { consumeCeremony } from './ceremony-store.ts'
import type { VerifiedAssertion } from './webauthn.ts'

/** `id`: that of the passkey. */
export type AnsweredCeremony = VerifiedAssertion & { id: string; ceremony: Ceremony }

/**
 * Members of a `with`: the passkey is used (`used`, `user_id`) by the account in the member `by` (`tenant_id`, `user_id`; at most
 * one row), if the challenge was not used before and the counter has not gone back. Copies of a passkey that is backed up count
 * by themselves, so there it is an event and no more (WebAuthn §6.1.1).
 */
export function useAssertion(
  ctx: Recorder,
  { id, ceremony, counter, backedUp }: AnsweredCeremony,
  by: SQL,
): SQL {
  const wentBack = sql`select tenant_id, user_id as subject,
    jsonb_build_object('passkey_id', id, 'refused', not is_heard) as data from seen where has_gone_back`
  return sql`
    ceremony as (${consumeCeremony(ceremony, by)}),
    counted as (
      select passkeys.id, passkeys.tenant_id, passkeys.user_id,
        (${counter}::bigint > 0 or passkeys.counter > 0) and ${counter}::bigint <= passkeys.counter as has_gone_back,
        passkeys.backup_eligible and (passkeys.backed_up or ${backedUp}::boolean) as is_copied
      from passkeys join ceremony on ceremony.tenant_id = passkeys.tenant_id
      join ${by} as using_it on using_it.user_id = passkeys.user_id
      where passkeys.id = ${id} for no key update of passkeys),
    seen as (select *, not has_gone_back or is_copied as is_heard from counted),
    used as (
      update passkeys set counter = greatest(passkeys.counter, ${counter}::bigint), backed_up = ${backedUp}::boolean,
        last_used_at = clock_timestamp()
      from seen where passkeys.id = seen.id and seen.is_heard returning passkeys.user_id),
    went_back as (${recordEvent(ctx, 'passkey.counter_went_back', wentBack, { rare: true })})`
}
