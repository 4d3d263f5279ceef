/** The `mails` rows: who is mailed about what, once; and which one is next, claimed for one sender at a time. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Happened, isEventType } from '../events/catalogue.ts'
import type { OneTimePurpose } from '../one-time/purposes.ts'
import { type Row, rowsOf, Time } from '../storage/rows.ts'
import { ENTRIES, isAdmin, isOverLimit, isReachable, isRecipient, isStillTrue } from './conditions-store.ts'
import type { DueMail, DueToken } from './letter.ts'
import { MAILS, type Recipients } from './mails.ts'

type Storage = Pick<Context, 'db'>

/** Records who is to be mailed about these events; who is recorded already is passed over. */
export async function recordMails({ db }: Storage, events: readonly Happened[]): Promise<void> {
  const rows = events.map(({ id, tenantId, type, subject }) => ({
    id,
    tenant_id: tenantId,
    type,
    subject,
    template: MAILS[type]?.template,
    recipients: recipientsOf(MAILS[type]?.to, subject),
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

const recipientsOf = (to: Recipients | undefined, subject: string | null) =>
  to === 'subject_or_admins' ? (subject === null ? 'admins' : 'subject') : to

/** A cast that fails would fail the claim, and with it every mail behind this one. */
const idIn = (name: 'endpoint_id' | 'token_id' | 'code_id' | 'api_key_id') =>
  sql.raw(
    `case when happened.data ->> '${name}' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (happened.data ->> '${name}')::uuid end`,
  )

/** A mail that one sender holds. */
const CLAIM = {
  eventId: v.string(),
  userId: v.string(),
  template: v.string(),
  /** This one included. */
  attempts: v.number(),
}
export type Claim = Row<typeof CLAIM>

/** Why a mail is not sent although it could be. */
const DROPS = ['capped', 'expired', 'no_recipient', 'superseded', 'undeliverable'] as const
export type Drop = (typeof DROPS)[number]

const Text = v.nullable(v.string())
const Detail = v.optional(Text, null) // a release may say more of the client than the one before it
const Client = v.object({
  request_id: Detail,
  address: Detail,
  country: Detail,
  city: Detail,
  network: Detail,
  user_agent: Detail,
})

const DUE = {
  ...CLAIM,
  drop: v.nullable(v.picklist(DROPS)),
  type: Text,
  happenedAt: v.nullable(Time),
  client: v.nullable(Client),
  email: Text,
  isVerified: v.boolean(),
  name: Text,
  locale: Text,
  tokenId: Text,
  tokenKeyId: Text,
  tokenSubject: Text,
  tokenHasCode: v.boolean(),
  tokenExpiresAt: v.nullable(Time),
  codeId: Text,
  codeKeyId: Text,
  tenantName: v.string(),
  issuer: v.string(),
  tenantLocale: Text,
  tenantColour: Text,
  endpointUrl: Text,
  announcedFor: v.nullable(Time),
  apiKeyName: Text,
  apiKeyExpiresAt: v.nullable(Time),
}
type DueRow = Row<typeof DUE>

/** Longer than a sender can take from claiming to settling; after it, it is taken for dead. */
const LEASE_SECONDS = 180

/** A notice of yesterday helps no one, and by then the provider has forgotten the key that keeps it from sending twice. */
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
  const [row] = await rowsOf(
    db,
    DUE,
  )(sql`
    with due as (
      select event_id, user_id from mails
      where state = 'pending' and next_attempt_at <= now() and (claimed_until is null or claimed_until <= now())
        and template in (${templates})
      order by next_attempt_at limit 1 for update skip locked),
    mail as (
      update mails set claimed_until = now() + make_interval(secs => ${LEASE_SECONDS}), attempts = attempts + 1
      from due where mails.event_id = due.event_id and mails.user_id = due.user_id
      returning mails.*)
    select mail.event_id, mail.user_id, mail.template, mail.attempts, happened.type,
      -- What an administrator did is not told with their device and place.
      case when happened.actor <> happened.subject then null else happened.client end as client,
      happened.created_at as happened_at, users.email, users.email_verified_at is not null as is_verified, users.name, users.locale,
      token.id as token_id, token.key_id as token_key_id, token.subject as token_subject,
      token.code_hash is not null as token_has_code, token.expires_at as token_expires_at,
      challenge.code_id, challenge.code_key_id,
      tenants.name as tenant_name, tenants.issuer, tenants.settings ->> 'locale' as tenant_locale, tenants.settings ->> 'colour' as tenant_colour, endpoint.url as endpoint_url,
      (happened.data ->> 'due_at')::timestamptz as announced_for,
      api_key.name as api_key_name, api_key.expires_at as api_key_expires_at,
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
    left join api_keys as api_key on api_key.id = ${idIn('api_key_id')} and api_key.tenant_id = mail.tenant_id
    left join one_time_tokens as token
      on token.id = ${idIn('token_id')} and token.tenant_id = mail.tenant_id and token.user_id = mail.user_id
    left join mfa_challenges as challenge
      on challenge.user_id = mail.user_id and challenge.tenant_id = mail.tenant_id and challenge.code_id = ${idIn('code_id')}`)
  if (!row) return null
  const { eventId, userId, template, attempts } = row
  const claim = { eventId, userId, template, attempts }
  return { claim, due: row.drop ?? dueMailOf(claim, row) }
}

function dueMailOf(claim: Claim, row: DueRow): DueMail | Drop {
  const { type, email, name, locale, client, happenedAt } = row
  const entry = type !== null && isEventType(type) ? MAILS[type] : undefined
  const token = entry?.link ? tokenOf(row, entry.link) : null
  const address = entry?.link ? row.tokenSubject : email
  if (!entry || address === null || happenedAt === null) return 'superseded' // the statement has dropped these already
  return {
    eventId: claim.eventId,
    userId: claim.userId,
    entry,
    address,
    isProved: row.isVerified && address === email,
    account: email,
    name,
    locale,
    tenant: { name: row.tenantName, issuer: row.issuer, locale: row.tenantLocale, colour: row.tenantColour },
    happenedAt,
    client,
    endpointUrl: row.endpointUrl,
    announcedFor: row.announcedFor,
    apiKey:
      row.apiKeyName !== null && row.apiKeyExpiresAt !== null
        ? { name: row.apiKeyName, expiresAt: row.apiKeyExpiresAt }
        : null,
    token,
    code: row.codeId !== null && row.codeKeyId !== null ? { id: row.codeId, keyId: row.codeKeyId } : null,
  }
}

/** Null where the statement joined none. */
const tokenOf = (row: DueRow, purpose: OneTimePurpose): DueToken | null =>
  row.tokenId === null || row.tokenKeyId === null || row.tokenExpiresAt === null
    ? null
    : {
        id: row.tokenId,
        keyId: row.tokenKeyId,
        purpose,
        hasCode: row.tokenHasCode,
        expiresAt: row.tokenExpiresAt,
      }

/** What was sent is sent, and what was dropped stays dropped, whichever sender holds the mail by now. */
export async function settleMail(
  { db }: Storage,
  { eventId, userId }: Claim,
  { state, reason }: { state: 'sent' | 'dropped'; reason: string | null },
): Promise<void> {
  await db.execute(sql`
    update mails set state = ${state}, reason = ${reason}, settled_at = clock_timestamp(), claimed_until = null
    where event_id = ${eventId} and user_id = ${userId} and state = 'pending'`)
}

/** Gives the mail back, unless the lease ran out and another sender has claimed it since. */
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
  const [row] = await rowsOf(db, { dropped: v.number() })(sql`
    with dropped as (
      update mails set state = 'dropped', reason = ${reason}, settled_at = clock_timestamp(), claimed_until = null
      where state = 'pending' returning 1)
    select count(*)::int as dropped from dropped`)
  return row?.dropped ?? 0
}
