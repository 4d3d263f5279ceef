/** The SQL of step-up at a provider: the session of the caller is authenticated anew, by an identity that they had before it. */
import { and, asc, eq, inArray, lt, type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import { CALLER, callerRow } from '../guard/caller-store.ts'
import { type Caller, refuseUnless } from '../guard/demands.ts'
import { lockUser } from '../one-time/store.ts'
import type { Refusal } from '../problem.ts'
import { METHODS } from '../sign-in/methods.ts'
import { renewSession, standingSession } from '../sign-in/renewal-store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { identities, providers, sessions, tenantHosts } from '../storage/schema.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { KIND_NAMES, kindOf } from './kinds/kinds.ts'
import type { Arrived } from './sign-in-store.ts'
import type { FlowCaller } from './state.ts'
import { claimState } from './state-store.ts'

/** Those that say when they authenticated someone. */
const SAY_WHEN = KIND_NAMES.filter((name) => kindOf(name).protocol === 'oidc')

/** Where the owner of session `sid` can authenticate anew: what a start and its end ask for as well. */
export const findStepUpProviders = ({ db, host }: Pick<Context, 'db' | 'host'>, sid: string | SQL) =>
  db
    .selectDistinct({ slug: providers.slug, name: providers.name })
    .from(sessions)
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, sessions.tenantId), eq(tenantHosts.host, host)))
    .innerJoin(
      identities,
      and(
        eq(identities.userId, sessions.userId),
        eq(identities.tenantId, sessions.tenantId),
        lt(identities.linkedAt, sessions.createdAt),
      ),
    )
    .innerJoin(
      providers,
      and(
        eq(providers.tenantId, sessions.tenantId),
        eq(providers.slug, identities.provider),
        eq(providers.enabled, true),
        eq(providers.trustsAssurance, true),
        inArray(providers.kind, SAY_WHEN),
      ),
    )
    .where(eq(sessions.id, sid))
    .orderBy(asc(providers.slug))

const ENDED = { ...CALLER, isFirst: v.boolean(), isRenewed: v.boolean() }

/**
 * Only an identity that the person had before their session began counts: one that the session itself linked proves nothing
 * about who holds the session.
 * @returns refusals `invalid_token`; `insufficient_user_authentication` for an account that owes a second factor, where the
 * provider says of none
 */
export async function endStepUp(
  ctx: Pick<Context, 'db' | 'host'> & Recorder,
  {
    flow,
    providerId,
    profile,
    hasSecondFactor,
    tenant,
    caller: of,
  }: Arrived & { hasSecondFactor: boolean; tenant: Tenant; caller: FlowCaller },
): Promise<Row<typeof ENDED> | Refusal> {
  const caller: Caller = { tenant, ...of, demands: hasSecondFactor ? {} : { oneFactor: true } }
  const happened = sql`
    select tenant_id, user_id as subject, jsonb_build_object('session_id', id) as data from renewed`
  const decide = rowsOf(
    ctx.db,
    ENDED,
  )(sql`
    with ${standingSession(caller, ctx.host)},
    state as (${claimState(flow, sql`caller`)}),
    provider as (
      select providers.tenant_id from providers join state using (tenant_id)
      where providers.id = ${providerId} and providers.enabled and providers.trusts_assurance),
    proved as (
      select identities.user_id from identities
      join provider on provider.tenant_id = identities.tenant_id
      join caller on caller.user_id = identities.user_id
      join sessions on sessions.id = caller.session_id
      where identities.issuer = ${profile.issuer} and identities.subject = ${profile.subject}
        and identities.linked_at < sessions.created_at),
    renewed as (${renewSession({
      proof: sql`join proved on proved.user_id = caller.user_id`,
      when: sql`true`,
      also: sql``,
      raises: hasSecondFactor ? METHODS.federated_mfa : METHODS.federated,
    })}),
    recorded as (${recordEvent(ctx, 'session.confirmed', happened)})
    select ${callerRow}, exists (select from state) as is_first, exists (select from renewed) as is_renewed`)
  const [, [row]] = await ctx.db.batch([lockUser(ctx, of.userId), decide])
  const ended = row ?? { caller: null, isFirst: false, isRenewed: false }
  return refuseUnless(ended, caller) ?? ended
}
