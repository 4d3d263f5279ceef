/**
 * The SQL that says that an address is proved, as pieces of the statements in which a mailed link or code was used up
 * (member `token`: `user_id`, `subject`, `grants`). No other file sets `email` of an account or `email_verified_at`; what a
 * first proof ends is in src/access/proof-store.ts.
 */
import { type SQL, sql } from 'drizzle-orm'
import { MAX_ROLES } from './accounts.ts'
import { beginEpoch, type EndReason } from './epoch-store.ts'

const provedByNow = sql`email_verified_at = coalesce(users.email_verified_at, clock_timestamp())`

/**
 * `update … returning users.*`: the address of the account of `token` is proved.
 * @param epoch a condition for an epoch to begin
 */
export const markProved = (epoch: SQL): SQL => sql`
  update users set ${beginEpoch('secured', epoch)}, ${provedByNow}
  from token where users.id = token.user_id
  returning users.*`

/**
 * The same, and an epoch begins, and the account accepts what `token` grants; after `grantedRoles`.
 * @param name in place of the one that it has, unless null
 */
export const markProvedAndGrant = (name: string | null): SQL => sql`
  update users set ${beginEpoch('secured')}, ${provedByNow},
    name = coalesce(${name}, users.name), roles = granted.roles
  from token join granted using (user_id) where users.id = token.user_id
  returning users.*`

/**
 * Member of a `with`: what the account of `token` has and what the token grants, as far as `MAX_ROLES` allows. Nothing that
 * it has is taken away; `wanted` counts what there would be without the limit.
 */
export const grantedRoles: SQL = sql`
  granted as (
    select token.user_id,
      (select count(distinct role)::int from unnest(users.roles || token.grants) as role) as wanted,
      array(
        select role from (
          select role from unnest(users.roles || token.grants) with ordinality as given(role, place)
          group by role order by min(place) > cardinality(users.roles), role
          limit greatest(${MAX_ROLES}, cardinality(users.roles))) as kept
        order by role) as roles
    from token join users on users.id = token.user_id)`

/** `update … returning pair.*`: the account in the member `pair` (`user_id`, `old_email`, `new_email`) has the new address. */
export const changeAddress: SQL = sql`
  update users set email = pair.new_email, email_verified_at = clock_timestamp()
  from pair where users.id = pair.user_id and users.email = pair.old_email
  returning pair.*`

/**
 * `update … returning …`: a closed account is open, its older sessions are dead and its address is proved.
 * @param options.address whether it is given the address of `token`, which is not its own
 * @param options.also what else is set of it
 */
export const reopen = (
  reason: EndReason,
  { address, also }: { address: 'kept' | 'given'; also?: SQL },
): SQL => sql`
  update users set deleted_at = null, ${beginEpoch(reason)}, ${also ? sql`${also},` : sql``}
    ${address === 'given' ? sql`email = token.subject, email_verified_at = clock_timestamp()` : provedByNow}
  from token where users.id = token.user_id
  returning users.id, users.tenant_id`
