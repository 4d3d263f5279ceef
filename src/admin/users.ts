/** Accounts as administrators see them, and what an operation on one answers. */
import * as v from 'valibot'
import { COUNTED_SESSIONS, type FoundAccount, type ListedAccount } from '../access/find-store.ts'
import { type Outcome, STATUSES } from '../access/target-store.ts'
import { presentUser, UserAnswer } from '../accounts/accounts.ts'
import { type Admin, refuseUnless } from '../guard/demands.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { DisplayName } from '../http/input.ts'
import { type Refusal, refuse } from '../problem.ts'

/** Why it is done, in the administrator's words; one line, kept in the event. */
export const Reason = v.optional(DisplayName)

/** The body of an operation on an account that is told nothing else. */
export const Reasoned = v.strictObject({ reason: Reason })

/** What no list shows: credentials, and anything that they are made of. */
export const ListedUserAnswer = v.object({
  ...UserAnswer.entries,
  locale: v.nullable(v.string()),
  external_id: v.nullable(v.string()),
  status: v.picklist(STATUSES),
  created_at: AnsweredInstant,
  email_verified_at: v.nullable(AnsweredInstant),
  second_factor_since: v.nullable(AnsweredInstant),
  closed_at: v.nullable(AnsweredInstant),
})

export const FoundUserAnswer = v.object({
  ...ListedUserAnswer.entries,
  live_sessions: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(COUNTED_SESSIONS)),
  last_used_at: v.nullable(AnsweredInstant),
})

const instantOrNull = (time: Date | null) => time && instant(time)

export const presentListed = (account: ListedAccount): v.InferOutput<typeof ListedUserAnswer> => ({
  ...presentUser(account),
  locale: account.locale,
  external_id: account.externalId,
  status: account.status,
  created_at: instant(account.createdAt),
  email_verified_at: instantOrNull(account.emailVerifiedAt),
  second_factor_since: instantOrNull(account.secondFactorSince),
  closed_at: instantOrNull(account.deletedAt),
})

export const presentFound = (account: FoundAccount): v.InferOutput<typeof FoundUserAnswer> => ({
  ...presentListed(account),
  live_sessions: account.liveSessions,
  last_used_at: instantOrNull(account.lastUsedAt),
})

/**
 * Why an operation on an account did nothing, if that is a refusal: what is so already is none.
 * @returns refusals of `refuseUnless`, `not_found` (also for an account that is erased), `account_closed`, `own_account`,
 * `last_administrator`
 */
export function refuseTarget(
  outcome: Outcome,
  caller: Admin,
  {
    onOwn = true,
    onLast = true,
    onClosed = true,
  }: { onOwn?: boolean; onLast?: boolean; onClosed?: boolean } = {},
): Refusal | null {
  const refused = refuseUnless(outcome, caller)
  if (refused || outcome.isChanged) return refused
  if (outcome.status === null || outcome.status === 'erased') return refuse('not_found')
  if (onClosed && outcome.status === 'closed') return refuse('account_closed')
  if (onOwn && outcome.isOwn) return refuse('own_account')
  return onLast && outcome.isLast ? refuse('last_administrator') : null
}
