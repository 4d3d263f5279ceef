/** What the sessions and their tokens hold about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

const isLongOver = sql`(sessions.revoked_at < now() - interval '30 days' or sessions.expires_at < now() - interval '30 days')`

export const sessionsData = {
  sessions: {
    section: [
      'sessions',
      {
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
    ],
    leftOut: { tenant_id: 'the head', user_id: 'theirs' },
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
        says: 'when sessions were refreshed',
        of: ({
          userId,
          tenantId,
        }) => sql`sessions join refresh_tokens on refresh_tokens.session_id = sessions.id
          where sessions.user_id = ${userId} and sessions.tenant_id = ${tenantId}`,
        key: sql`refresh_tokens.id::text`,
        members: {
          session_id: ['the session', sql`refresh_tokens.session_id`],
          created_at: ['when the token was made', time(sql`refresh_tokens.created_at`)],
          used_at: ['when it was used', time(sql`refresh_tokens.used_at`)],
          expires_at: ['when it expires', time(sql`refresh_tokens.expires_at`)],
        },
      },
    ],
    leftOut: {
      id: 'of a secret',
      tenant_id: 'the head',
      hash: 'a secret',
      key_id: 'of a secret',
      parent_id: 'the token before it',
    },
    // Not locked: there are many, and what is missed goes with its session.
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
