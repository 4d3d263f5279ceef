/** What the mails hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const mailerData = {
  mails: {
    section: [
      'mails',
      {
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
    ],
    leftOut: {
      tenant_id: 'the head',
      user_id: 'theirs',
      state: 'has no room for a canary',
      claimed_until: 'for some seconds, who is sending it',
    },
    erasure: {
      deletes: (userIds, limit) => sql`
        select ctid from mails where user_id in ${userIds} order by event_id, user_id limit ${limit} for update`,
    },
    outlived: {
      settled_mails: { where: sql`state <> 'pending' and settled_at < now() - interval '30 days'` },
    },
  },
} as const satisfies PersonalData
