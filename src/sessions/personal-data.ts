/** Personal data of sessions and refresh tokens. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

const isLongOver = sql`(sessions.revoked_at < now() - interval '30 days' or sessions.expires_at < now() - interval '30 days')`

export const sessionsData = {
  sessions: {
    section: [
      'sessions',
      {
        says: 'sessions, until 30 days after they ended',
        of: ({ userId, tenantId }) =>
          sql`sessions where sessions.user_id = ${userId} and sessions.tenant_id = ${tenantId}`,
        key: sql`sessions.id::text`,
        members: {
          id: ['the id', sql`sessions.id`],
          created_at: ['when the session began', time(sql`sessions.created_at`)],
          kept_at: ['when all other sessions were ended and this one was kept', time(sql`sessions.kept_at`)],
          last_used_at: ['when it was last refreshed', time(sql`sessions.last_used_at`)],
          refreshes: ['the number of refreshes in the current minute', sql`sessions.refreshes`],
          refreshes_counted_from: ['when that minute began', time(sql`sessions.refreshes_counted_from`)],
          expires_at: ['when it ends at the latest', time(sql`sessions.expires_at`)],
          idle_expires_at: ['when it ends if it is not refreshed', time(sql`sessions.idle_expires_at`)],
          revoked_at: ['when it was ended', time(sql`sessions.revoked_at`)],
          revoke_reason: ['why it was ended', sql`sessions.revoke_reason`],
          auth_time: ['when the person last authenticated', time(sql`sessions.auth_time`)],
          amr: ['the authentication methods (RFC 8176)', sql`sessions.amr`],
          aal: ['the authentication assurance level (NIST SP 800-63B-4)', sql`sessions.aal`],
          address: ['the IP address, shortened to IPv4 /24 or IPv6 /48', sql`sessions.address`],
          country: ['the country', sql`sessions.country`],
          city: ['the city', sql`sessions.city`],
          network: ['the network operator', sql`sessions.asn_org`],
          user_agent: ['the User-Agent header', sql`sessions.user_agent`],
          device: ['the name of the device in the list of sessions', sql`sessions.device_label`],
          status_index: ['its number in the status lists', sql`sessions.status_index`],
          refreshed_by: ['the device that last refreshed it', sql`sessions.refreshed_by`],
          impersonated_by: [
            'the id of the administrator who acted as the person in it',
            sql`sessions.impersonator_id`,
          ],
        },
      },
    ],
    leftOut: { tenant_id: 'already in the head of the document', user_id: 'the id of the account' },
    erasure: {
      deletes: (userIds, limit) => sql`
        select ctid from sessions where user_id in ${userIds} order by user_id, id limit ${limit} for update`,
    },
    outlived: {
      // Kept for a month after their end, for a person who asks what that session was.
      ended_sessions: {
        // Of so many that are over, those without tokens: where a million wait for theirs to go, no batch looks at them all.
        where: sql`sessions.id = any(array(
          select over.id from (select sessions.id from sessions where ${isLongOver} limit 10000) as over
          where not exists (select from refresh_tokens where session_id = over.id)))`,
      },
    },
  },
  refresh_tokens: {
    section: [
      'refresh_tokens',
      {
        says: 'refresh tokens of the sessions; the tokens themselves are not exported',
        of: ({
          userId,
          tenantId,
        }) => sql`sessions join refresh_tokens on refresh_tokens.session_id = sessions.id
          where sessions.user_id = ${userId} and sessions.tenant_id = ${tenantId}`,
        key: sql`refresh_tokens.id::text`,
        members: {
          session_id: ['the session', sql`refresh_tokens.session_id`],
          created_at: ['when it was created', time(sql`refresh_tokens.created_at`)],
          used_at: ['when it was used', time(sql`refresh_tokens.used_at`)],
          expires_at: ['when it expires', time(sql`refresh_tokens.expires_at`)],
        },
      },
    ],
    leftOut: {
      id: 'part of a secret',
      tenant_id: 'already in the head of the document',
      hash: 'a secret',
      key_id: 'the key of a secret',
      parent_id: 'the previous token',
    },
    // Not locked: there are many, and any that are missed go with their session.
    erasure: {
      deletes: (userIds, limit) => sql`
        select refresh_tokens.ctid from sessions join refresh_tokens on refresh_tokens.session_id = sessions.id
        where sessions.user_id in ${userIds} limit ${limit}`,
    },
    outlived: {
      // Those of sessions that ended early. Before their sessions: one may have thousands, and its cascade would take them at once.
      refresh_tokens_of_ended_sessions: {
        from: sql`sessions join refresh_tokens on refresh_tokens.session_id = sessions.id`,
        where: isLongOver,
      },
      // A used token is what tells a thief from its owner (RFC 9700 §4.14), so it stays as long as its owner could still
      // have come with it, and a month more. One that expired unused was its session's last: nothing refreshes that any more.
      expired_refresh_tokens: {
        where: sql`refresh_tokens.expires_at < now() - interval '30 days'`,
      },
    },
  },
} as const satisfies PersonalData
