/** The SQL of the identities that a person has: linked while signed in, listed and taken away. */
import { and, asc, eq, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { beginEpochOf } from '../accounts/epoch-store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerOf, callerRow } from '../guard/caller-store.ts'
import { type Caller, refuseUnless, STEP_UP } from '../guard/demands.ts'
import { lockUser } from '../one-time/store.ts'
import type { Refusal } from '../problem.ts'
import { endedSessions, endSessionRows, keepSession } from '../sessions/ended-store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { identities, sessions, tenantHosts } from '../storage/schema.ts'
import type { Tenant } from '../tenants/tenants.ts'
import type { Arrived } from './sign-in-store.ts'
import { type FlowCaller, STATE_SECONDS } from './state.ts'
import { claimState } from './state-store.ts'

/** More than there are providers worth having; a list of them is one answer. */
export const MAX_IDENTITIES = 50

type Storage = Pick<Context, 'db' | 'host'> & Recorder

/** The identities of the owner of session `sid`, oldest first. */
export const findIdentities = ({ db, host }: Pick<Context, 'db' | 'host'>, { sid }: { sid: string | SQL }) =>
  db
    .select({
      id: identities.id,
      provider: identities.provider,
      email: identities.emailAtLink,
      linkedAt: identities.linkedAt,
      lastUsedAt: identities.lastUsedAt,
    })
    .from(identities)
    .innerJoin(
      sessions,
      and(eq(sessions.userId, identities.userId), eq(sessions.tenantId, identities.tenantId)),
    )
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, identities.tenantId), eq(tenantHosts.host, host)))
    .where(eq(sessions.id, sid))
    .orderBy(asc(identities.id))
    .limit(MAX_IDENTITIES)

const LINKED = { ...CALLER, isFirst: v.boolean(), hasProvider: v.boolean(), isLinked: v.boolean() }

/**
 * Ends a flow that links: the session that began it must be live still, and its authentication fresh when it began.
 * @returns refusals `invalid_token`, `insufficient_user_authentication`
 */
export async function endLink(
  ctx: Storage,
  { flow, providerId, profile, ids, tenant, link }: Arrived & { tenant: Tenant; link: FlowCaller },
): Promise<Row<typeof LINKED> | Refusal> {
  // It was fresh when the flow began; the person may have needed all of its time at the provider.
  const demands = { maxAge: STEP_UP.maxAge + STATE_SECONDS }
  const caller: Caller = { tenant, ...link, demands }
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('identity_id', id, 'provider', provider, 'by', 'owner') as data from linked`
  const decide = rowsOf(
    ctx.db,
    LINKED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    state as (${claimState(flow, sql`caller`)}),
    provider as (
      select providers.* from providers join state using (tenant_id) where providers.id = ${providerId} and providers.enabled),
    linked as (
      insert into identities (id, tenant_id, user_id, provider, issuer, subject, email_at_link)
      select ${ids.identity}::uuid, caller.tenant_id, caller.user_id, provider.slug, ${profile.issuer}, ${profile.subject},
        ${profile.email}
      from caller, provider
      where (select count(*) from identities where identities.user_id = caller.user_id) < ${MAX_IDENTITIES}
      on conflict (tenant_id, issuer, subject) do nothing returning *),
    recorded as (${recordEvent(ctx, 'identity.linked', happened)})
    select ${callerRow}, exists (select from state) as is_first, exists (select from provider) as has_provider,
      exists (select from linked) or exists (
        select from identities join caller using (user_id)
        where identities.issuer = ${profile.issuer} and identities.subject = ${profile.subject}) as is_linked`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, link.userId), decide])
  const linked = row ?? { caller: null, isFirst: false, hasProvider: false, isLinked: false }
  return refuseUnless(linked, caller) ?? linked
}

/**
 * What opens an account besides the identity in `target`: a password, mail to an address that was proved, a passkey, or
 * another identity whose provider is there.
 */
const OPENED_OTHERWISE = sql`(
  exists (select from passwords where passwords.user_id = target.user_id)
  or exists (select from users where users.id = target.user_id and users.email_verified_at is not null)
  or exists (select from passkeys where passkeys.user_id = target.user_id and passkeys.signs_in)
  or exists (
    select from identities as other join providers on providers.tenant_id = other.tenant_id
      and providers.slug = other.provider and providers.enabled
    where other.user_id = target.user_id and other.id <> target.id))`

const UNLINKED = { ...CALLER, found: v.number(), isGone: v.boolean() }

/** Takes an identity of the caller's away, unless it is the last way in; every other session ends, for it may have begun with it. */
export async function removeIdentity(
  ctx: Storage,
  caller: Caller,
  id: string,
): Promise<Row<typeof UNLINKED>> {
  const happened = sql`select tenant_id, user_id as subject,
    jsonb_build_object('identity_id', id, 'provider', provider) || ${endedSessions} as data from gone`
  const remove = rowsOf(
    ctx.db,
    UNLINKED,
  )(sql`
    with ${callerOf(caller, ctx.host)},
    target as (
      select identities.id, identities.user_id from identities
      join caller on identities.user_id = caller.user_id and identities.tenant_id = caller.tenant_id
      where identities.id = ${id}),
    gone as (
      delete from identities using target where identities.id = target.id and ${OPENED_OTHERWISE} returning identities.*),
    ${endSessionRows(sql`gone`, { reason: 'secured', sparing: sql`${caller.sessionId}::uuid` })},
    ${beginEpochOf(sql`gone`, 'secured')},
    ${keepSession(caller.sessionId, sql`gone`)},
    recorded as (${recordEvent(ctx, 'identity.unlinked', happened)})
    select ${callerRow}, (select count(*)::int from target) as found, exists (select from gone) as is_gone`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, caller.userId), remove])
  return row ?? { caller: null, found: 0, isGone: false }
}
