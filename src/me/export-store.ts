/**
 * What is held about a person, table by table: what each member of the export says, and where it is read. `npm run docs`
 * prints it into EXPORT.md; test/sessions/export-me.test.ts wants every column of every table that names a person to be
 * here, or to say why not. No hash, key or sealed text is.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { attemptsAt } from '../accounts/attempts-store.ts'
import { type AuditRow, auditColumns, auditRows } from '../audit/audit-store.ts'
import type { Context } from '../context.ts'
import { type Row, rowsOf } from '../storage/rows.ts'

/** Whose export it is. */
export type Person = { userId: string; tenantId: string }

type Member = readonly [says: string, value: SQL]

type Section = {
  says: string
  /** One object, or null where there is none; else a list. */
  isOne?: true
  /** `table … where …`: the rows of the person. */
  of: (person: Person) => SQL
  /** Unique among them, and the order in which they are read. */
  key: SQL
  members: Readonly<Record<string, Member>>
}

const time = (column: SQL) => sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

export const SECTIONS = {
  account: {
    says: 'the account',
    isOne: true,
    of: ({ userId, tenantId }) => sql`users where users.id = ${userId} and users.tenant_id = ${tenantId}`,
    key: sql`users.id::text`,
    members: {
      id: ['its id, which no other account ever gets', sql`users.id`],
      email: ['the address', sql`users.email`],
      email_verified_at: ['when it was proved', time(sql`users.email_verified_at`)],
      awaits_proof_since: [
        'since when an account that was never used waits for that',
        time(sql`users.awaits_proof_since`),
      ],
      name: ['the name', sql`users.name`],
      locale: ['the language of mail', sql`users.locale`],
      roles: ['what it may administer', sql`users.roles`],
      status: ['`active` or `disabled`', sql`users.status`],
      operational_mail: ['whether it gets mail that is not about security', sql`users.operational_mail`],
      created_at: ['when it was made', time(sql`users.created_at`)],
    },
  },
  password: {
    says: 'that there is a password; what is stored of it opens nothing and is not given out',
    isOne: true,
    of: ({ userId, tenantId }) =>
      sql`passwords where passwords.user_id = ${userId} and passwords.tenant_id = ${tenantId}`,
    key: sql`passwords.user_id::text`,
    members: { changed_at: ['since when it is this one', time(sql`passwords.changed_at`)] },
  },
  failed_attempts: {
    says: 'wrong passwords in a row for the address',
    isOne: true,
    of: ({
      userId,
      tenantId,
    }) => sql`users join sign_in_failures on sign_in_failures.tenant_id = users.tenant_id
      and ${attemptsAt(sql`users.email`)} where users.id = ${userId} and users.tenant_id = ${tenantId}`,
    key: sql`users.id::text`,
    members: {
      consecutive: ['how many', sql`sign_in_failures.consecutive_failures`],
      unheard: ['how many more came while none was heard', sql`sign_in_failures.late_attempts`],
      next_attempt_at: ['when the next one is heard', time(sql`sign_in_failures.next_attempt_at`)],
      last_attempt_at: ['when the last one was', time(sql`sign_in_failures.last_attempt_at`)],
    },
  },
  sessions: {
    says: 'where the person is or was signed in; those that ended go 30 days later',
    of: ({ userId, tenantId }) =>
      sql`sessions where sessions.user_id = ${userId} and sessions.tenant_id = ${tenantId}`,
    key: sql`sessions.id::text`,
    members: {
      id: ['its id', sql`sessions.id`],
      created_at: ['when it began', time(sql`sessions.created_at`)],
      kept_at: ['when it was kept while all others ended', time(sql`sessions.kept_at`)],
      last_used_at: ['when it was refreshed last', time(sql`sessions.last_used_at`)],
      refreshes: ['how often in the running minute', sql`sessions.refreshes`],
      refreshes_counted_from: ['since when that is', time(sql`sessions.refreshes_counted_from`)],
      expires_at: ['when it ends at the latest', time(sql`sessions.expires_at`)],
      idle_expires_at: ['when it ends if it is not used', time(sql`sessions.idle_expires_at`)],
      revoked_at: ['when it was ended', time(sql`sessions.revoked_at`)],
      revoke_reason: ['why', sql`sessions.revoke_reason`],
      auth_time: ['when the person last proved who they are', time(sql`sessions.auth_time`)],
      amr: ['how (RFC 8176)', sql`sessions.amr`],
      aal: ['how surely (NIST SP 800-63B-4)', sql`sessions.aal`],
      address: ['from which network: IPv4 /24, IPv6 /48', sql`sessions.address`],
      country: ['from which country', sql`sessions.country`],
      city: ['from which city', sql`sessions.city`],
      network: ['through whose network', sql`sessions.asn_org`],
      user_agent: ['with which browser', sql`sessions.user_agent`],
      device: ['what it is called in the list of sessions', sql`sessions.device_label`],
      refreshed_by: ['which device refreshed it last', sql`sessions.refreshed_by`],
    },
  },
  refresh_tokens: {
    says: 'when sessions were refreshed',
    of: ({ userId, tenantId }) => sql`sessions join refresh_tokens on refresh_tokens.session_id = sessions.id
      where sessions.user_id = ${userId} and sessions.tenant_id = ${tenantId}`,
    key: sql`refresh_tokens.id::text`,
    members: {
      session_id: ['the session', sql`refresh_tokens.session_id`],
      created_at: ['when the token was made', time(sql`refresh_tokens.created_at`)],
      used_at: ['when it was used', time(sql`refresh_tokens.used_at`)],
      expires_at: ['when it expires', time(sql`refresh_tokens.expires_at`)],
    },
  },
  one_time_tokens: {
    says: 'links and codes that were mailed, until a day after they expired',
    of: ({ userId, tenantId }) =>
      sql`one_time_tokens where one_time_tokens.user_id = ${userId} and one_time_tokens.tenant_id = ${tenantId}`,
    key: sql`one_time_tokens.id::text`,
    members: {
      id: ['its id, which events name', sql`one_time_tokens.id`],
      purpose: ['what it is for', sql`one_time_tokens.purpose`],
      address: ['where it was mailed', sql`one_time_tokens.subject`],
      roles: ['the roles that it grants', sql`one_time_tokens.grants`],
      created_at: ['when it was made', time(sql`one_time_tokens.created_at`)],
      expires_at: ['when it expires', time(sql`one_time_tokens.expires_at`)],
      consumed_at: ['when it was used', time(sql`one_time_tokens.consumed_at`)],
      wrong_codes: ['wrong codes for this one', sql`one_time_tokens.attempts`],
      wrong_codes_of_asking_browser: [
        'those from the browser that asked for it',
        sql`one_time_tokens.own_attempts`,
      ],
      wrong_codes_in_a_row: ['and in a row, over several', sql`one_time_tokens.failures`],
    },
  },
  mails: {
    says: 'mail to the person, until 30 days after; its text is written nowhere',
    of: ({ userId, tenantId }) =>
      sql`mails where mails.user_id = ${userId} and mails.tenant_id = ${tenantId}`,
    key: sql`mails.event_id::text`,
    members: {
      event_id: ['the event that it tells', sql`mails.event_id`],
      template: ['which mail', sql`mails.template`],
      state: ['`pending`, `sent` or `dropped`', sql`mails.state`],
      reason: ['why it was dropped or not sent yet', sql`mails.reason`],
      attempts: ['how often it was tried', sql`mails.attempts`],
      next_attempt_at: ['when it is tried next', time(sql`mails.next_attempt_at`)],
      created_at: ['when it was due', time(sql`mails.created_at`)],
      settled_at: ['when it was sent or dropped', time(sql`mails.settled_at`)],
    },
  },
  waiting_events: {
    says: 'what has happened and is on its way to the audit log; seconds, unless something is down',
    of: ({ userId, tenantId }) => sql`(select ${userId}::uuid as id) as person
      join events on person.id in (events.subject, events.actor)
      where events.dispatched_at is null and events.tenant_id = ${tenantId}`,
    key: sql`events.id::text`,
    members: {
      id: ['its id', sql`events.id`],
      type: ['what happened (EVENTS.md)', sql`events.type`],
      occurred_at: ['when', time(sql`events.created_at`)],
      actor: ['who did it', sql`events.actor`],
      subject: ['whom it is about', sql`events.subject`],
      data: ['what it carries', sql`events.data`],
      client: [
        'from where, unless another account did it',
        sql`case when coalesce(events.actor, events.subject) = person.id then events.client end`,
      ],
    },
  },
  kept_answers: {
    says: 'requests with an Idempotency-Key, for 24 hours; the answers are sealed, and were given',
    of: ({ userId, tenantId }) =>
      sql`idempotency_keys where idempotency_keys.tenant_id = ${tenantId} and idempotency_keys.actor = ${userId}`,
    key: sql`idempotency_keys.operation || ' ' || idempotency_keys.key`,
    members: {
      operation: ['what was asked', sql`idempotency_keys.operation`],
      key: ['the key', sql`idempotency_keys.key`],
      refused: ['the code of a refusal', sql`idempotency_keys.refused`],
      created_at: ['when', time(sql`idempotency_keys.created_at`)],
      expires_at: ['until when it is kept', time(sql`idempotency_keys.expires_at`)],
    },
  },
  audit_key: {
    says: 'that what is personal in the audit log is sealed under a key of theirs',
    isOne: true,
    of: ({ userId, tenantId }) =>
      sql`person_keys where person_keys.user_id = ${userId} and person_keys.tenant_id = ${tenantId}`,
    key: sql`person_keys.user_id::text`,
    members: { created_at: ['since when', time(sql`person_keys.created_at`)] },
  },
} as const satisfies Record<string, Section>

export type SectionName = keyof typeof SECTIONS
export const SECTION_NAMES = Object.keys(SECTIONS) as SectionName[] // Object.keys forgets the type

/** A row as JSON text, and its place in the section. */
const EXPORTED = { key: v.string(), item: v.string() }
export type ExportedRow = Row<typeof EXPORTED>

/** The next rows of a section, after the key `after`; to be awaited, or put into a batch. */
export function readSection(
  { db }: Pick<Context, 'db'>,
  name: SectionName,
  person: Person,
  { after, limit }: { after: string | null; limit: number },
) {
  const { of, key, members }: Section = SECTIONS[name]
  const pairs = Object.entries(members).map(([member, [, value]]) => sql`${sql.raw(`'${member}'`)}, ${value}`)
  const rest = after === null ? sql`` : sql`and ${key} > ${after}`
  return rowsOf(
    db,
    EXPORTED,
  )(sql`
    select ${key} as key, json_build_object(${sql.join(pairs, sql`, `)})::text as item
    from ${of(person)} ${rest} order by ${key} limit ${limit}`)
}

/** The person's next rows of the audit log, oldest first: what they did, and what was done about them. */
export async function readPersonAudit(
  { auditDb }: Pick<Context, 'auditDb'>,
  { userId, tenantId }: Person,
  { after, limit }: { after: Pick<AuditRow, 'id' | 'occurredAt'> | null; limit: number },
): Promise<AuditRow[]> {
  const at = after?.occurredAt.toISOString() ?? '-infinity'
  // Two branches, so that each walks its index in the order of the answer.
  const branch = (whose: SQL) => sql`(
    select * from audit_events where ${whose} and tenant_id = ${tenantId}
      and (occurred_at, id) > (${at}::timestamptz, ${after?.id ?? '00000000-0000-0000-0000-000000000000'}::uuid)
    order by occurred_at, id limit ${limit})`
  return auditRows(auditDb)(sql`
    select ${auditColumns} from (
      ${branch(sql`subject = ${userId}`)} union all
      ${branch(sql`actor = ${userId} and subject is distinct from ${userId}::uuid`)}) as audit_events
    order by occurred_at, id limit ${limit}`)
}
