/** The SQL of passkeys that are asked for after another factor: chosen, and chosen no more. */
import { sql } from 'drizzle-orm'
import { recordEvent } from '../events/outbox.ts'
import type { Caller } from '../guard/demands.ts'
import { announceKey } from '../keys/auth-keys-store.ts'
import { setSecondFactor } from '../passkeys/second-factor-store.ts'
import { endedSessions, keepSession } from '../sessions/ended-store.ts'
import { standingSession } from '../sign-in/renewal-store.ts'
import {
  callerAsOwner,
  decide,
  endOthers,
  type Outcome,
  outcomeOf,
  replaceCodes,
  type Storage,
  takeAway,
} from './enrolment-store.ts'
import { hasBesides, hasSecondFactor } from './factor-store.ts'
import type { NewRecoveryCode } from './recovery-codes.ts'

/**
 * The passkey is a second factor from now on, with new recovery codes; every other session ends. `isNeeded` of what comes back:
 * it was one before.
 */
export function choosePasskey(
  ctx: Storage,
  caller: Caller,
  { id, codes }: { id: string; codes: readonly NewRecoveryCode[] },
): Promise<Outcome> {
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('factor', 'passkey', 'passkey_id', ${id}::text) || ${endedSessions} as data from changed`
  return decide(
    ctx,
    caller,
    sql`
    with ${standingSession(caller, ctx.host)},
    ${callerAsOwner},
    target as (
      select passkeys.id, passkeys.is_second_factor from passkeys join owner on owner.user_id = passkeys.user_id
      where passkeys.id = ${id}),
    changed as (${setSecondFactor(id, true, sql`owner`)}),
    ${endOthers(sql`${caller.sessionId}::uuid`, hasSecondFactor)},
    ${keepSession(caller.sessionId, sql`changed`)},
    ${replaceCodes(codes, sql`changed`)},
    ${announceKey(ctx, sql`changed`)},
    recorded as (${recordEvent(ctx, 'second_factor.added', happened)})
    ${outcomeOf(sql`changed`, sql`exists (select from target where is_second_factor)`)}`,
  )
}

/** The passkey signs in as before, and is asked for after no other factor. */
export const removePasskeyAsFactor = (ctx: Storage, caller: Caller, id: string): Promise<Outcome> =>
  takeAway(ctx, caller, {
    factor: 'passkey',
    remains: hasBesides.passkey(id),
    gone: setSecondFactor(
      id,
      false,
      sql`(select caller.user_id from caller join heard on heard.id = caller.session_id)`,
    ),
  })
