/**
 * The roles of an account, granted and revoked by an administrator or an operator. The tenant's row is locked first, so that
 * of two that take the role of the last two administrators one comes second and sees that it is the last.
 */
import { type SQL, sql } from 'drizzle-orm'
import * as v from 'valibot'
import { MAX_ROLES } from '../accounts/accounts.ts'
import { setRoles } from '../accounts/administrators-store.ts'
import type { JobContext } from '../context.ts'
import { type AnyRecorder, recordEvent } from '../events/outbox.ts'
import { doneBy } from '../guard/acting-store.ts'
import { CALLER, callerRow } from '../guard/caller-store.ts'
import { ADMIN } from '../guard/demands.ts'
import { type Row, rowsOf } from '../storage/rows.ts'
import { users } from '../storage/schema.ts'
import { decideOn, reasonOf, STATUSES, type Target } from './target-store.ts'

type Writer = Pick<JobContext, 'db'> & AnyRecorder

const HOLDERS = {
  id: v.string(),
  email: v.string(),
  status: v.picklist(['active', 'disabled']),
  isProved: v.boolean(),
  hasSecondFactor: v.boolean(),
}

/** The administrators of a tenant, by the index `users_admins`. */
export const findAdministrators = ({ db }: Pick<Writer, 'db'>, tenantId: string) =>
  rowsOf(
    db,
    HOLDERS,
  )(sql`
    select id, email, status, email_verified_at is not null as is_proved, second_factor_since is not null as has_second_factor
    from users where tenant_id = ${tenantId} and 'admin' = any(roles) and deleted_at is null order by email`)

/** As many as are counted: the question is whether there are any. */
export const COUNTED_HOLDERS = 1000

/** How many accounts have each of these roles already, or would have it by an invitation that is open; those that none has are left out. */
export const countHolders = ({ db }: Pick<Writer, 'db'>, tenantId: string, roles: readonly string[]) =>
  rowsOf(db, { role: v.string(), holders: v.number() })(sql`
    select role, holders from unnest(${texts(roles)}) as role cross join lateral (
      select count(*)::int as holders from (
        select from users where tenant_id = ${tenantId} and roles @> array[role] and erased_at is null
        union all
        select from one_time_tokens where tenant_id = ${tenantId} and grants @> array[role]
          and consumed_at is null and expires_at > now()
        limit ${COUNTED_HOLDERS}) as held) as counted
    where holders > 0`)

const OUTCOME = {
  ...CALLER,
  /** As the account is; null where the tenant has no such account. */
  status: v.nullable(v.picklist(STATUSES)),
  isOwn: v.boolean(),
  isLast: v.boolean(),
  isProved: v.boolean(),
  /** Whether anything was to be granted that it did not have. */
  isGranted: v.boolean(),
  /** Whether an access token can carry what there would be. */
  hasRoom: v.boolean(),
  isChanged: v.boolean(),
  /** As they are now. */
  roles: v.array(v.string()),
}
export type RolesOutcome = Row<typeof OUTCOME>

export type RoleChange = { grant: readonly string[]; revoke: readonly string[] }

/**
 * What is named both times is revoked. No administrator takes `admin` from themselves.
 * @param options.unproved also where the address was never proved: then it may be another person's account
 * @param options.last also where no other account that can sign in would hold `admin`
 */
export async function changeRoles(
  ctx: Writer,
  target: Target,
  { grant, revoke }: RoleChange,
  { unproved, last }: { unproved: boolean; last: boolean },
): Promise<RolesOutcome> {
  const { acting, reason } = target
  const [granted, revoked] = [texts(grant), texts(revoke)]
  const takesAdmin = sql`(${revoke.includes(ADMIN)}::boolean and ${ADMIN} = any(target.roles))`
  const happened = sql`
    select changed.tenant_id, changed.id as subject, ${reasonOf(reason)} || jsonb_build_object(
      'granted', to_jsonb(wanted.granted), 'revoked', to_jsonb(wanted.revoked)) as data
    from changed join wanted using (id)`
  const members = sql`
    wanted as (
      select target.id, ${without(sql`target.roles || ${without(granted, sql`target.roles`)}`, revoked)} as roles,
        ${without(granted, sql`target.roles || ${revoked}`)} as granted,
        array(select role from unnest(target.roles) with ordinality as held(role, place)
          where role = any(${revoked}) order by place) as revoked
      from target),
    decided as (
      select wanted.*, cardinality(wanted.roles) <= ${MAX_ROLES} or cardinality(wanted.granted) = 0 as has_room
      from wanted),
    changed as (${setRoles(sql`
      select decided.id, decided.roles from decided join target using (id)
      where target.deleted_at is null and decided.has_room
        and cardinality(decided.granted) + cardinality(decided.revoked) > 0
        and (cardinality(decided.granted) = 0 or target.email_verified_at is not null or ${unproved}::boolean)
        and not (${takesAdmin} and (target.is_own or (target.is_last and not ${last}::boolean)))`)}),
    recorded as (${recordEvent(ctx, 'user.roles_changed', happened, doneBy(acting))})`
  const outcome = sql`
    select ${callerRow}, (select status_now from target) as status,
      exists (select from target where is_own and ${takesAdmin}) as is_own,
      exists (select from target where is_last and ${takesAdmin}) as is_last,
      exists (select from target where email_verified_at is not null) as is_proved,
      not exists (select from decided where not has_room) as has_room, exists (select from changed) as is_changed,
      exists (select from wanted where cardinality(granted) > 0) as is_granted,
      coalesce((select to_jsonb(case when exists (select from changed) then wanted.roles else target.roles end)
        from wanted join target using (id)), '[]'::jsonb) as roles`
  return (await decideOn(ctx, target, OUTCOME, { members, outcome, losesAdministrator: true })) ?? NOTHING
}

const NOTHING: RolesOutcome = {
  caller: null,
  status: null,
  isOwn: false,
  isLast: false,
  isProved: false,
  isGranted: false,
  hasRoom: true,
  isChanged: false,
  roles: [],
}

const texts = (roles: readonly string[]): SQL => sql`${sql.param([...roles], users.roles)}::text[]`

/** The roles of the first list that are not in the second, in their order. */
const without = (roles: SQL, others: SQL): SQL => sql`
  array(select role from unnest(${roles}) with ordinality as given(role, place)
    where role <> all(${others}) order by place)`
