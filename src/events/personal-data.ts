/** Personal data in the outbox and in the keys of the audit log. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const eventsData = {
  events: {
    section: [
      'pending_events',
      {
        says: 'events that are not in the audit log yet; usually for seconds',
        of: ({ userId, tenantId }) => sql`(select ${userId}::uuid as id) as person
          join events on person.id in (events.subject, events.actor)
          where events.dispatched_at is null and events.tenant_id = ${tenantId}`,
        key: sql`events.id::text`,
        members: {
          id: ['the id of the event', sql`events.id`],
          type: ['the event type (docs/events.md)', sql`events.type`],
          occurred_at: ['when it happened', time(sql`events.created_at`)],
          actor: ['the account that did it', sql`events.actor`],
          subject: ['the account that it is about', sql`events.subject`],
          data: ['the data of the event', sql`events.data`],
          client: [
            'the address and browser, unless another account did it',
            sql`case when coalesce(events.actor, events.subject) = person.id then events.client end`,
          ],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      dispatched_at: 'null for a pending event',
      priority: 'follows from the type',
      refusals: 'internal state of delivery',
      refused_by: 'internal state of delivery',
      retry_at: 'internal state of delivery',
      parked_at: 'internal state of delivery',
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
        says: 'the key that seals personal data of this person in the audit log',
        isOne: true,
        of: ({ userId, tenantId }) =>
          sql`person_keys where person_keys.user_id = ${userId} and person_keys.tenant_id = ${tenantId}`,
        key: sql`person_keys.user_id::text`,
        members: { created_at: ['when the key was created', time(sql`person_keys.created_at`)] },
      },
    ],
    leftOut: {
      user_id: 'the id of the account',
      tenant_id: 'already in the head of the document',
      sealed_key: 'a secret',
    },
    erasure: 'with audit',
  },
} as const satisfies PersonalData
