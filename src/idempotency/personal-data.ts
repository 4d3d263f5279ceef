/** Personal data in the stored answers of requests with an Idempotency-Key. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const idempotencyData = {
  idempotency_keys: {
    section: [
      'idempotency_keys',
      {
        says: 'requests with an Idempotency-Key, for 24 hours; the stored answers are sealed',
        of: ({ userId, tenantId }) =>
          sql`idempotency_keys where idempotency_keys.tenant_id = ${tenantId} and idempotency_keys.actor = ${userId}`,
        key: sql`idempotency_keys.operation || ' ' || idempotency_keys.key`,
        members: {
          operation: ['the operation', sql`idempotency_keys.operation`],
          key: ['the key', sql`idempotency_keys.key`],
          refused: ['the error code, if it was refused', sql`idempotency_keys.refused`],
          created_at: ['when the request was made', time(sql`idempotency_keys.created_at`)],
          expires_at: ['until when the answer is stored', time(sql`idempotency_keys.expires_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'already in the head of the document',
      actor: 'the id of the account',
      sealed_answer: 'a secret',
    },
    // The tenant first: the primary key begins with it.
    erasure: {
      deletes: (userIds, limit) => sql`
        select idempotency_keys.ctid from users
        join idempotency_keys on idempotency_keys.tenant_id = users.tenant_id and idempotency_keys.actor = users.id::text
        where users.id in ${userIds} order by users.id, idempotency_keys.operation, idempotency_keys.key
        limit ${limit} for update of idempotency_keys`,
    },
    outlived: { idempotency_keys: { where: sql`expires_at < now()` } },
  },
} as const satisfies PersonalData
