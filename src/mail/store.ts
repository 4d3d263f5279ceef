/** The `mails` rows: who is mailed about what, once; and which one is next, claimed for one sender at a time. */
import { type SQL, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import type { EventClient, EventType, Happened } from '../events/catalogue.ts'
import { ADMIN } from '../sessions/store.ts'
import type { DueMail } from './letter.ts'
import { type Condition, MAILS, type MailEntry, type Recipients } from './mails.ts'

type Storage = Pick<Context, 'db'>

/** Over `happened` (the event) and `users`; asked when a mail is recorded and again when it is sent. */
const RECIPIENTS: Record<Recipients, SQL> = {
  subject: sql`users.id = happened.subject`,
  admins: sql`users.status = 'active' and ${ADMIN} = any(users.roles)`,
}

/** Over `happened`, `mail` and `users`, and `endpoint` where the event names one. */
const CONDITIONS: Record<Condition, SQL> = {
  always: sql`true`,
  same_password: sql`not exists (
    select from passwords where passwords.user_id = users.id and passwords.changed_at > happened.created_at)`,
  // An endpoint that is down makes thousands of these; one a day says as much.
  endpoint_not_told: sql`endpoint.id is not null and not exists (
    select from mails as earlier join events as told on told.id = earlier.event_id
    where earlier.state = 'sent' and earlier.settled_at > now() - interval '1 day'
      and earlier.user_id = mail.user_id and earlier.template = mail.template
      and told.data ->> 'endpoint_id' = happened.data ->> 'endpoint_id')`,
  endpoint_disabled: sql`endpoint.state = 'disabled'`,
}

const ENTRIES = Object.entries(MAILS)

/** Chooses by the type of the event. */
const byType = (condition: (entry: MailEntry) => SQL) =>
  sql`case happened.type ${sql.join(
    ENTRIES.map(([type, entry]) => sql`when ${type} then ${condition(entry)}`),
    sql` `,
  )} else false end`

const isRecipient = byType(({ to }) => RECIPIENTS[to])
const isStillTrue = byType((entry) => CONDITIONS[entry.while])

const isReachable = sql`users.deleted_at is null and users.email is not null`

/** Records who is to be mailed about these events; whoever already is, is passed over. */
export async function recordMails({ db }: Storage, events: readonly Happened[]): Promise<void> {
  const rows = events.map(({ id, tenantId, type, subject }) => ({
    id,
    tenant_id: tenantId,
    type,
    subject,
    template: MAILS[type]?.template,
  }))
  await db.execute(sql`
    insert into mails (event_id, user_id, tenant_id, template)
    select happened.id, users.id, happened.tenant_id, happened.template
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as happened(id uuid, tenant_id uuid, type text, subject uuid, template text)
    join users on users.tenant_id = happened.tenant_id and ${isReachable} and ${isRecipient}
    on conflict (event_id, user_id) do nothing`)
}

/** A mail that one sender holds. */
export type Claim = {
  eventId: string
  userId: string
  template: string
  /** This one included. */
  attempts: number
}

/** Why a mail is not sent although it could be. */
export type Drop = 'expired' | 'no_recipient' | 'superseded' | 'undeliverable'

type DueRow = {
  event_id: string
  user_id: string
  template: string
  attempts: number
  drop: Drop | null
  type: EventType | null
  happened_at: string | null
  client: EventClient | null
  email: string | null
  name: string | null
  locale: string | null
  tenant_name: string
  issuer: string
  tenant_locale: string | null
  endpoint_url: string | null
}

/** Longer than a sender can take from claiming to settling; after it, it is taken for dead. */
const LEASE_SECONDS = 180

/** A notice of yesterday helps nobody, and by then the provider has forgotten the key that keeps it from sending twice. */
const MAX_AGE_HOURS = 24

/**
 * Claims the mail that has been due longest and reads what it is written from, in one statement: two senders never get the
 * same one, and one that died holds it for the lease alone. Templates of a newer version are left for that version.
 */
export async function claimDueMail(
  { db }: Storage,
  maxAttempts: number,
): Promise<{ claim: Claim; due: DueMail | Drop } | null> {
  const templates = sql.join(
    ENTRIES.map(([, { template }]) => sql`${template}`),
    sql`, `,
  )
  const { rows } = await db.execute<DueRow>(sql`
    with due as (
      select event_id, user_id from mails
      where state = 'pending' and next_attempt_at <= now() and (claimed_until is null or claimed_until <= now())
        and template in (${templates})
      order by next_attempt_at limit 1 for update skip locked),
    mail as (
      update mails set claimed_until = now() + make_interval(secs => ${LEASE_SECONDS}), attempts = attempts + 1
      from due where mails.event_id = due.event_id and mails.user_id = due.user_id
      returning mails.*)
    select mail.event_id, mail.user_id, mail.template, mail.attempts, happened.type, happened.client,
      happened.created_at as happened_at, users.email, users.name, users.locale,
      tenants.name as tenant_name, tenants.issuer, tenants.settings ->> 'locale' as tenant_locale, endpoint.url as endpoint_url,
      case
        when happened.created_at > now() - make_interval(hours => ${MAX_AGE_HOURS}) is not true then 'expired'
        when ${isRecipient} is not true then 'no_recipient'
        when ${isStillTrue} is not true then 'superseded'
        when mail.attempts > ${maxAttempts} then 'undeliverable'
      end as drop
    from mail join tenants on tenants.id = mail.tenant_id
    left join events as happened on happened.id = mail.event_id and happened.tenant_id = mail.tenant_id
    left join users on users.id = mail.user_id and users.tenant_id = mail.tenant_id and ${isReachable}
    left join webhook_endpoints as endpoint
      on endpoint.id = (happened.data ->> 'endpoint_id')::uuid and endpoint.tenant_id = mail.tenant_id`)
  const [row] = rows
  if (!row) return null
  const { event_id: eventId, user_id: userId, template, attempts } = row
  const claim = { eventId, userId, template, attempts }
  return { claim, due: row.drop ?? dueMailOf(claim, row) }
}

function dueMailOf(claim: Claim, row: DueRow): DueMail | Drop {
  const { type, email, name, locale, client, happened_at } = row
  const entry = type === null ? undefined : MAILS[type]
  if (!entry || email === null || happened_at === null) return 'superseded' // the statement has dropped these already
  return {
    eventId: claim.eventId,
    userId: claim.userId,
    entry,
    email,
    name,
    locale,
    tenant: { name: row.tenant_name, issuer: row.issuer, locale: row.tenant_locale },
    happenedAt: new Date(happened_at),
    client,
    endpointUrl: row.endpoint_url,
  }
}

/** What was sent is sent, and what was dropped stays dropped, whoever else holds the mail by now. */
export async function settleMail(
  { db }: Storage,
  { eventId, userId }: Claim,
  { state, reason }: { state: 'sent' | 'dropped'; reason: string | null },
): Promise<void> {
  await db.execute(sql`
    update mails set state = ${state}, reason = ${reason}, settled_at = clock_timestamp(), claimed_until = null
    where event_id = ${eventId} and user_id = ${userId} and state = 'pending'`)
}

/** Gives the mail back, unless the lease ran out and somebody else has claimed it since. */
export async function postponeMail(
  { db }: Storage,
  { eventId, userId, attempts }: Claim,
  { seconds, reason }: { seconds: number; reason: string },
): Promise<void> {
  await db.execute(sql`
    update mails set reason = ${reason}, claimed_until = null,
      next_attempt_at = clock_timestamp() + make_interval(secs => ${seconds})
    where event_id = ${eventId} and user_id = ${userId} and state = 'pending' and attempts = ${attempts}`)
}

/** For a deployment that sends no mail. @returns how many were dropped */
export async function dropPendingMails({ db }: Storage, reason: string): Promise<number> {
  const { rows } = await db.execute<{ dropped: number }>(sql`
    with dropped as (
      update mails set state = 'dropped', reason = ${reason}, settled_at = clock_timestamp(), claimed_until = null
      where state = 'pending' returning 1)
    select count(*)::int as dropped from dropped`)
  return rows[0]?.dropped ?? 0
}
