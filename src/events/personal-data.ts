/** What the outbox and the keys of the audit log hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const eventsData = {
  events: {
    section: [
      'waiting_events',
      {
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
    ],
    leftOut: {
      tenant_id: 'the head',
      dispatched_at: 'a waiting one has none',
      priority: 'of its type',
      refusals: 'how a sink of ours takes it',
      refused_by: 'the same',
      retry_at: 'the same',
      parked_at: 'the same',
    },
    erasure: 'with audit',
    outlived: {
      dispatched_events: {
        where: sql`dispatched_at is not null and dispatched_at < now() - interval '7 days'`,
      },
    },
  },
  person_keys: {
    section: [
      'audit_key',
      {
        says: 'that what is personal in the audit log is sealed under a key of theirs',
        isOne: true,
        of: ({ userId, tenantId }) =>
          sql`person_keys where person_keys.user_id = ${userId} and person_keys.tenant_id = ${tenantId}`,
        key: sql`person_keys.user_id::text`,
        members: { created_at: ['since when', time(sql`person_keys.created_at`)] },
      },
    ],
    leftOut: { user_id: 'theirs', tenant_id: 'the head', sealed_key: 'a secret' },
    erasure: 'with audit',
  },
} as const satisfies PersonalData
