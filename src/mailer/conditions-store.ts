/**
 * Who is mailed, as long as what is so, and how often: the conditions of src/mailer/mails.ts in SQL, over `happened` (the
 * event), `users`, `mail`, and `token`, `endpoint` and `api_key` where the event names one.
 */
import { type SQL, sql } from 'drizzle-orm'
import { MAIL_LIMIT } from '../limits/limits.ts'
import { type OneTimePurpose, PURPOSES } from '../one-time/purposes.ts'
import { type Condition, MAILS, type MailEntry, type Recipients } from './mails.ts'

/** Written as the index `users_admins` has it. */
export const isAdmin = sql`'admin' = any(users.roles)`

/** Over `happened` (the event) and `users`; asked when a mail is recorded and again when it is sent. */
const RECIPIENTS: Record<Recipients, SQL> = {
  subject: sql`users.id = happened.subject`,
  admins: sql`users.status = 'active' and ${isAdmin}`,
  subject_or_admins: sql`case when happened.subject is null then users.status = 'active' and ${isAdmin}
    else users.id = happened.subject end`,
}

/** Over `happened`, `mail` and `users`, and `endpoint` and `api_key` where the event names one. */
const CONDITIONS: Record<Condition, SQL> = {
  always: sql`true`,
  same_password: sql`not exists (
    select from passwords where passwords.user_id = users.id and passwords.changed_at > happened.created_at)`,
  // Not where a newer code took its place, or the sign-in is over.
  code_usable: sql`challenge.id is not null and challenge.consumed_at is null and challenge.expires_at > now()`,
  // An endpoint that is down makes thousands of these; one a day says as much.
  endpoint_not_told: sql`endpoint.id is not null and not exists (
    select from mails as earlier join events as told on told.id = earlier.event_id
    where earlier.state = 'sent' and earlier.settled_at > now() - interval '1 day'
      and earlier.user_id = mail.user_id and earlier.template = mail.template
      and told.data ->> 'endpoint_id' = happened.data ->> 'endpoint_id')`,
  endpoint_disabled: sql`endpoint.state = 'disabled'`,
  api_key_counts: sql`api_key.revoked_at is null and api_key.expires_at > now()`,
}

/** `token` is the row that the event names, still there because no newer one took its place, and can be used. */
function tokenIsUsable(purpose: OneTimePurpose): SQL {
  const isOwn = PURPOSES[purpose].provesOwnAddress ? sql`token.subject = users.email` : sql`true`
  return sql`token.purpose = ${purpose} and token.consumed_at is null and token.subject is not null and ${isOwn}`
}

export const ENTRIES = Object.entries(MAILS)

/** Chooses by the type of the event. */
const byType = (condition: (entry: MailEntry) => SQL) =>
  sql`case happened.type ${sql.join(
    ENTRIES.map(([type, entry]) => sql`when ${type} then ${condition(entry)}`),
    sql` `,
  )} else false end`

export const isRecipient = byType(({ to, kind }) =>
  kind === 'operational' ? sql`${RECIPIENTS[to]} and users.operational_mail` : RECIPIENTS[to],
)
export const isStillTrue = byType((entry) =>
  entry.link ? tokenIsUsable(entry.link) : CONDITIONS[entry.while],
)

/**
 * A closed account is written to only so that its owner can have it back: a thief who changed its address and
 * closed it must not outrun the mail that undoes that.
 */
export const isReachable = sql`users.email is not null and users.erased_at is null and ${byType(
  ({ link }) => {
    if (link === 'restore_account') return sql`users.deleted_at is not null`
    return link === 'revert_email' ? sql`true` : sql`users.deleted_at is null`
  },
)}`

/** Whether the account has got as many of these as it may get; simultaneous senders may go a few over it. */
export const isOverLimit = sql`${byType(({ isLimited = false }) => sql`${isLimited}::boolean`)} and exists (
  select from mails as earlier
  where earlier.user_id = mail.user_id and earlier.template = mail.template and earlier.state = 'sent'
    and earlier.settled_at > now() - make_interval(secs => ${MAIL_LIMIT.seconds})
  having count(*) >= ${MAIL_LIMIT.rate})`
