/**
 * The SQL that ends a sign-in at a provider: whose account it is, and that it begins, in one statement. An account is found by
 * issuer and subject alone. By its address it is found only for a new identity, and only where the provider has proved that
 * address: an account that proved it too is linked, where the tenant allows that; of an account that never did,
 * everything planted before is dead first (src/access/).
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { proveAddress } from '../access/proof-store.ts'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import { insertProved, userIsActive } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { type Recorder, recordEvent } from '../events/outbox.ts'
import type { Refusal } from '../problem.ts'
import { type Beginning, type Begun, readBegun } from '../sign-in/start.ts'
import { BEGUN, begin } from '../sign-in/start-store.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { oauthExchanges } from '../storage/schema.ts'
import type { Profile } from './kinds/kind.ts'
import type { Flow } from './state.ts'
import { claimState } from './state-store.ts'

type Storage = Pick<Context, 'db' | 'host' | 'settings' | 'outcome'> & Recorder

/** What a flow came to at the provider. */
export type Arrived = {
  flow: Flow
  providerId: string
  profile: Profile
  /** The address, where the provider has proved it; else null. */
  provedEmail: CanonicalEmail | null
  /** Of what would be made. */
  ids: { user: string; identity: string }
}

/** A code that an app exchanges, in the place of a session. */
export type Exchange = { codeHash: Uint8Array; codeChallenge: string; amr: readonly string[]; aal: 1 | 2 }
export const EXCHANGE_SECONDS = 60

const ENDED = {
  begun: v.unknown(),
  isFirst: v.boolean(),
  hasProvider: v.boolean(),
  isKnown: v.boolean(),
  hasAccount: v.boolean(),
  mayRegister: v.boolean(),
  isExchangeable: v.boolean(),
}
export type Ended = Row<typeof ENDED>

export async function endSignIn(
  ctx: Storage,
  arrived: Arrived,
  beginning: Beginning,
  exchange: Exchange | null,
): Promise<{ ended: Ended | undefined; begun: Begun | Refusal | null }> {
  const { tenant } = beginning
  const { issuer, subject } = arrived.profile
  // The account of the identity, and that of the address: locked in one order, before anything is looked at.
  const lock = ctx.db.execute(sql`
    select users.id from users
    where users.tenant_id = ${tenant.id} and (
      users.id = (select user_id from identities
        where tenant_id = ${tenant.id} and issuer = ${issuer} and subject = ${subject})
      or (users.email = ${arrived.provedEmail} and users.deleted_at is null))
    order by users.id for no key update`)
  const passed = sql`select found.* from found
    union all select proved.* from proved join linked on linked.user_id = proved.id
    union all select registered.* from registered join linked on linked.user_id = registered.id`
  const decide = rowsOf(
    ctx.db,
    ENDED,
  )(sql`
    with ${whoArrived(ctx, arrived, beginning)},
    ${exchange ? makeExchange(exchange, passed) : begin(ctx, beginning, passed)}
    select ${exchange ? sql`null::jsonb` : BEGUN} as begun, exists (select from state) as is_first,
      exists (select from provider) as has_provider, exists (select from known) as is_known,
      exists (select from local) as has_account, coalesce((select may_register from provider), false) as may_register,
      ${exchange ? sql`exists (select from exchanged)` : sql`false`} as is_exchangeable`)
  const [, [ended]] = await ctx.db.batch([lock, decide])
  return { ended, begun: readBegun(ctx, beginning, ended?.begun) }
}

/** Members of a `with`: `found`, `proved` and `registered`, of which one has the row of the account, or none. */
function whoArrived(
  ctx: Storage,
  { flow, providerId, profile, provedEmail, ids }: Arrived,
  { tenant }: Beginning,
): SQL {
  const { issuer, subject, email, name } = profile
  const isUsable = sql`(users.email_verified_at is not null or ${tenant.policy.registration === 'sign-in-at-once'}::boolean)`
  const linkedAs = sql`jsonb_build_object('identity_id', linked.id, 'provider', linked.provider)`
  return sql`
    host as (select tenant_id from tenant_hosts where host = ${ctx.host} and tenant_id = ${tenant.id}),
    state as (${claimState(flow, sql`host`)}),
    provider as (
      select providers.* from providers join state using (tenant_id) where providers.id = ${providerId} and providers.enabled),
    known as (
      select identities.id, identities.user_id from identities join provider on provider.tenant_id = identities.tenant_id
      where identities.issuer = ${issuer} and identities.subject = ${subject}),
    found as (select users.* from users join known on known.user_id = users.id where ${userIsActive} and ${isUsable}),
    used as (
      update identities set last_used_at = clock_timestamp() from found
      where identities.user_id = found.id and identities.id = (select id from known)),
    local as (
      select users.* from users join provider on provider.tenant_id = users.tenant_id
      where users.email = ${provedEmail} and users.deleted_at is null and not exists (select from known)),
    token as (
      select null::uuid as id, local.id as user_id, local.tenant_id, local.email as subject, '{}'::text[] as grants,
        local.email_verified_at
      from local join provider on provider.link_policy = 'verified' where local.status = 'active'),
    ${proveAddress(ctx, 'social')},
    newcomer as (
      select tenant_id from provider
      where provider.may_register and ${provedEmail}::text is not null
        and not exists (select from known) and not exists (select from local)),
    registered as (
      ${insertProved({ id: ids.user, email: provedEmail ?? NO_EMAIL, name }, sql`newcomer`)}),
    owner as (
      select id, tenant_id from registered union all select user_id, tenant_id from token),
    linked as (
      insert into identities (id, tenant_id, user_id, provider, issuer, subject, email_at_link, last_used_at)
      select ${ids.identity}::uuid, owner.tenant_id, owner.id, provider.slug, ${issuer}, ${subject}, ${email}, clock_timestamp()
      from owner, provider
      on conflict (tenant_id, issuer, subject) do nothing returning *),
    registered_recorded as (${recordEvent(ctx, 'user.registered', sql`select tenant_id, id as subject, '{}'::jsonb as data from registered`, { rare: true })}),
    linked_recorded as (${recordEvent(
      ctx,
      'identity.linked',
      sql`select tenant_id, user_id as subject, ${linkedAs} || jsonb_build_object('by',
        case when exists (select from registered) then 'register' else 'sign_in' end) as data from linked`,
      { rare: true },
    )})`
}

/** Nothing is inserted for it: `newcomer` has no row then. */
const NO_EMAIL = '' as CanonicalEmail

/** Members of a `with`: a code for the account that passed (`exchanged`). */
const makeExchange = ({ codeHash, codeChallenge, amr, aal }: Exchange, who: SQL): SQL => sql`
  exchanged as (
    insert into oauth_exchanges (code_hash, tenant_id, user_id, code_challenge, amr, aal, created_at, expires_at)
    select ${sql.param(codeHash, oauthExchanges.codeHash)}::bytea, who.tenant_id, who.id, ${codeChallenge},
      ${sql.param([...amr], oauthExchanges.amr)}::text[], ${aal}::smallint,
      -- Not the start of the transaction: a first proof has begun an epoch since.
      clock_timestamp(), clock_timestamp() + make_interval(secs => ${EXCHANGE_SECONDS})
    from (${who}) as who returning user_id)`
