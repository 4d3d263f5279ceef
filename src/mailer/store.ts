/** The `mails` rows: who is mailed about what, once; and which one is next, claimed for one sender at a time. */
import { sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import type { OneTimePurpose } from '../crypto/one-time-token.ts'
import type { EventClient, EventType, Happened } from '../events/catalogue.ts'
import { ENTRIES, isAdmin, isOverLimit, isReachable, isRecipient, isStillTrue } from './conditions-store.ts'
import type { DueMail, DueToken } from './letter.ts'
import { MAILS } from './mails.ts'

type Storage = Pick<Context, 'db'>

/** Records who is to be mailed about these events; whoever already is, is passed over. */
export async function recordMails({ db }: Storage, events: readonly Happened[]): Promise<void> {
  const rows = events.map(({ id, tenantId, type, subject }) => ({
    id,
    tenant_id: tenantId,
    type,
    subject,
    template: MAILS[type]?.template,
    recipients: MAILS[type]?.to,
  }))
  // Each kind of recipient by its own index: a condition that chooses between them would look at every account.
  await db.execute(sql`
    insert into mails (event_id, user_id, tenant_id, template)
    select happened.id, recipient.id, happened.tenant_id, happened.template
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as happened(id uuid, tenant_id uuid, type text, subject uuid, template text, recipients text)
    cross join lateral (
      select users.id from users
      where happened.recipients = 'subject' and users.id = happened.subject
        and users.tenant_id = happened.tenant_id and ${isReachable} and ${isRecipient}
      union all
      select users.id from users
      where happened.recipients = 'admins' and ${isAdmin}
        and users.tenant_id = happened.tenant_id and ${isReachable} and ${isRecipient}) as recipient
    -- Two senders of the same events insert in one order, so that they cannot deadlock.
    order by happened.id, recipient.id
    on conflict (event_id, user_id) do nothing`)
}

/** A cast that fails would fail the claim, and with it every mail behind this one. */
const idIn = (name: 'endpoint_id' | 'token_id') =>
  sql.raw(
    `case when happened.data ->> '${name}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (happened.data ->> '${name}')::uuid end`,
  )

/** A mail that one sender holds. */
export type Claim = {
  eventId: string
  userId: string
  template: string
  /** This one included. */
  attempts: number
}

/** Why a mail is not sent although it could be. */
export type Drop = 'capped' | 'expired' | 'no_recipient' | 'superseded' | 'undeliverable'

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
  is_verified: boolean
  name: string | null
  locale: string | null
  token_id: string | null
  token_key_id: string
  token_subject: string | null
  token_has_code: boolean
  token_expires_at: string
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
      happened.created_at as happened_at, users.email, users.email_verified_at is not null as is_verified, users.name, users.locale,
      token.id as token_id, token.key_id as token_key_id, token.subject as token_subject,
      token.code_hash is not null as token_has_code, token.expires_at as token_expires_at,
      tenants.name as tenant_name, tenants.issuer, tenants.settings ->> 'locale' as tenant_locale, endpoint.url as endpoint_url,
      case
        when happened.created_at > now() - make_interval(hours => ${MAX_AGE_HOURS}) is not true then 'expired'
        when ${isRecipient} is not true then 'no_recipient'
        when ${isStillTrue} is not true then 'superseded'
        when token.expires_at <= now() then 'expired'
        when ${isOverLimit} then 'capped'
        when mail.attempts > ${maxAttempts} then 'undeliverable'
      end as drop
    from mail join tenants on tenants.id = mail.tenant_id
    left join events as happened on happened.id = mail.event_id and happened.tenant_id = mail.tenant_id
    left join users on users.id = mail.user_id and users.tenant_id = mail.tenant_id and ${isReachable}
    left join webhook_endpoints as endpoint
      on endpoint.id = ${idIn('endpoint_id')} and endpoint.tenant_id = mail.tenant_id
      and endpoint.deleted_at is null
    left join one_time_tokens as token
      on token.id = ${idIn('token_id')} and token.tenant_id = mail.tenant_id and token.user_id = mail.user_id`)
  const [row] = rows
  if (!row) return null
  const { event_id: eventId, user_id: userId, template, attempts } = row
  const claim = { eventId, userId, template, attempts }
  return { claim, due: row.drop ?? dueMailOf(claim, row) }
}

function dueMailOf(claim: Claim, row: DueRow): DueMail | Drop {
  const { type, email, name, locale, client, happened_at } = row
  const entry = type === null ? undefined : MAILS[type]
  const token = entry?.link ? tokenOf(row, entry.link) : null
  const address = entry?.link ? row.token_subject : email
  if (!entry || address === null || happened_at === null) return 'superseded' // the statement has dropped these already
  return {
    eventId: claim.eventId,
    userId: claim.userId,
    entry,
    address,
    isProved: row.is_verified && address === email,
    account: email,
    name,
    locale,
    tenant: { name: row.tenant_name, issuer: row.issuer, locale: row.tenant_locale },
    happenedAt: new Date(happened_at),
    client,
    endpointUrl: row.endpoint_url,
    token,
  }
}

const tokenOf = (row: DueRow, purpose: OneTimePurpose): DueToken | null =>
  row.token_id === null
    ? null
    : {
        id: row.token_id,
        keyId: row.token_key_id,
        purpose,
        hasCode: row.token_has_code,
        expiresAt: new Date(row.token_expires_at),
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
