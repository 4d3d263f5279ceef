/** What signing in at providers holds about people. */
import { sql } from 'drizzle-orm'
import { type PersonalData, time } from '../storage/personal-data.ts'

export const socialData = {
  providers: { holdsNoPerson: 'what an operator has registered at a provider' },
  identities: {
    section: [
      'identities',
      {
        says: 'who they are at the providers that they sign in with',
        of: ({ userId, tenantId }) =>
          sql`identities where identities.user_id = ${userId} and identities.tenant_id = ${tenantId}`,
        key: sql`identities.id::text`,
        members: {
          id: ['its id', sql`identities.id`],
          provider: ['the provider', sql`identities.provider`],
          issuer: ['the issuer of the provider', sql`identities.issuer`],
          subject: ['what the provider calls them', sql`identities.subject`],
          email_at_link: ['the address that the provider gave then', sql`identities.email_at_link`],
          linked_at: ['when it was linked', time(sql`identities.linked_at`)],
          last_used_at: ['when it was used last', time(sql`identities.last_used_at`)],
        },
      },
    ],
    leftOut: { tenant_id: 'the head', user_id: 'theirs' },
    erasure: 'credential',
  },
  oauth_states: {
    holdsNoPerson: 'digests of states',
    outlived: {
      // One that has expired is refused by its own time, whatever Redis says.
      oauth_states: { where: sql`expires_at < now()` },
    },
  },
  oauth_exchanges: {
    section: [
      'sign_ins_at_providers',
      {
        says: 'sign-ins at a provider that an app had to pick up, until a day after they expired',
        of: ({ userId, tenantId }) =>
          sql`oauth_exchanges where oauth_exchanges.user_id = ${userId} and oauth_exchanges.tenant_id = ${tenantId}`,
        key: sql`encode(oauth_exchanges.code_hash, 'hex')`,
        members: {
          amr: ['what was passed (RFC 8176)', sql`oauth_exchanges.amr`],
          aal: ['the level that it reached', sql`oauth_exchanges.aal`],
          created_at: ['when it was passed', time(sql`oauth_exchanges.created_at`)],
          expires_at: ['until when it could be picked up', time(sql`oauth_exchanges.expires_at`)],
          consumed_at: ['when it was picked up', time(sql`oauth_exchanges.consumed_at`)],
        },
      },
    ],
    leftOut: {
      tenant_id: 'the head',
      user_id: 'theirs',
      code_hash: 'a secret',
      code_challenge: 'of the app, and says nothing of a person',
    },
    erasure: {
      deletes: (userIds, limit) =>
        sql`select ctid from oauth_exchanges where user_id in ${userIds} limit ${limit}`,
    },
    outlived: { oauth_exchanges: { where: sql`expires_at < now() - interval '1 day'` } },
  },
} as const satisfies PersonalData
