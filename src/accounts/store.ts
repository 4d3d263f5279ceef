/** The `users` rows. The database decides uniqueness, never a read before a write. */
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { users } from '../storage/schema.ts'
import type { NewUser } from './accounts.ts'
import type { Metadata } from './metadata.ts'

/** For `db.select({ user: userColumns, … })`. */
export const userColumns = {
  id: users.id,
  email: users.email,
  emailVerifiedAt: users.emailVerifiedAt,
  name: users.name,
  locale: users.locale,
  roles: users.roles,
  externalId: users.externalId,
  publicMetadata: users.publicMetadata,
  privateMetadata: users.privateMetadata,
}

/** The same, for the person themself. */
export const selfColumns = { ...userColumns, operationalMail: users.operationalMail }

/** Deleted accounts keep their id and nothing else; disabled ones may not sign in, refresh or call. */
export const userIsActive = and(eq(users.status, 'active'), isNull(users.deletedAt))

/** Closed, and not erased yet: what its owner may take back. */
export const userIsClosed = sql`users.status = 'active' and users.deleted_at is not null and users.erased_at is null`

/** `update … returning …`: a disabled account, the one in `account` (`id`), may sign in again. */
export const markEnabled = (account: SQL): SQL => sql`
  update users set status = 'active' from ${account} as account
  where users.id = account.id and users.status = 'disabled' and users.deleted_at is null
  returning users.id, users.tenant_id`

/** Open or closed: what an undone change of address gives back. */
export const userIsNotErased = sql`users.status = 'active' and users.erased_at is null`

/** Inserts the account and returns its row, or does nothing when the address is taken: the row count is the decision. */
export const insertUser = ({ id, tenantId, email, name, locale, awaitsProof }: NewUser): SQL => sql`
  insert into users (id, tenant_id, email, name, locale, awaits_proof_since)
  values (${id}, ${tenantId}, ${email}, ${name}, ${locale}, case when ${awaitsProof}::boolean then now() end)
  on conflict (tenant_id, email) where deleted_at is null do nothing returning *`

/**
 * The same for an address that may have an account: the existing row is used then.
 * @param from a member with `tenant_id`; nothing is inserted where it has no row
 */
export const insertUnlessThere = (
  { id, email, name }: Pick<NewUser, 'id' | 'email' | 'name'>,
  from: SQL,
): SQL => sql`
  insert into users (id, tenant_id, email, name, awaits_proof_since)
  select ${id}::uuid, tenant_id, ${email}, ${name}, now() from ${from}
  -- Not "do nothing", which yields no row: one that was made a moment ago is meant too.
  on conflict (tenant_id, email) where deleted_at is null do update set email = excluded.email
  returning id, tenant_id, email, status`

/**
 * The same for an address that is proved already, unless it has an account.
 * @param from a member with `tenant_id`; nothing is inserted where it has no row
 */
export const insertProved = (
  { id, email, name }: Pick<NewUser, 'id' | 'email' | 'name'>,
  from: SQL,
): SQL => sql`
  insert into users (id, tenant_id, email, name, email_verified_at)
  select ${id}::uuid, tenant_id, ${email}, ${name}, clock_timestamp() from ${from}
  on conflict (tenant_id, email) where deleted_at is null do nothing returning *`

/**
 * Inserts the accounts in `entries` whose addresses are free, in order of address: two imports that insert the same ones
 * wait for each other, and never in a circle.
 * @param entries `tenant_id`, and `id`, `email`, `email_verified`, `disabled`, `name`, `locale`, `roles`, `external_id`, `has_second_factor` of each
 */
export const insertUsers = (entries: SQL): SQL => sql`
  insert into users (id, tenant_id, email, email_verified_at, status, name, locale, roles, external_id, second_factor_since)
  select id, tenant_id, email, case when email_verified then now() end,
    case when disabled then 'disabled' else 'active' end, name, locale, roles, external_id, case when has_second_factor then now() end
  from ${entries} order by email
  on conflict (tenant_id, email) where deleted_at is null do nothing returning id, tenant_id, email`

/** What a person may change about themselves; what is absent stays. */
export type ProfileChanges = {
  name?: string | null
  locale?: string | null
  operational_mail?: boolean
  public_metadata?: Metadata
}

/** `update … returning users.*`: of the active account in the member `caller` (`user_id`, `tenant_id`). */
export const changeProfile = ({
  name,
  locale,
  operational_mail: mail,
  public_metadata: metadata,
}: ProfileChanges): SQL => sql`
  update users set name = ${name === undefined ? sql`users.name` : sql`${name}`},
    locale = ${locale === undefined ? sql`users.locale` : sql`${locale}`},
    operational_mail = ${mail === undefined ? sql`users.operational_mail` : sql`${mail}`},
    public_metadata = ${metadataOr(metadata, sql`users.public_metadata`)}
  from caller
  where users.id = caller.user_id and users.tenant_id = caller.tenant_id and ${userIsActive} returning users.*`

/** What a product changes of an account; what is absent stays. */
export type MetadataChanges = {
  external_id?: string | null
  public_metadata?: Metadata
  private_metadata?: Metadata
}

/** `update … returning users.*`: of the account, if it is open and of the tenant in the member `caller`. */
export const changeMetadata = (changes: MetadataChanges, userId: string): SQL => sql`
  update users set
    external_id = ${changes.external_id === undefined ? sql`users.external_id` : sql`${changes.external_id}`},
    public_metadata = ${metadataOr(changes.public_metadata, sql`users.public_metadata`)},
    private_metadata = ${metadataOr(changes.private_metadata, sql`users.private_metadata`)}
  from caller where users.id = ${userId} and users.tenant_id = caller.tenant_id and users.deleted_at is null
  returning users.*`

const metadataOr = (metadata: Metadata | undefined, other: SQL): SQL =>
  metadata === undefined ? other : sql`${JSON.stringify(metadata)}::jsonb`

/** `update …`: the account in `account` (`id`) is used, so it is never closed for want of a proof. */
export const markUsed = (account: SQL): SQL => sql`
  update users set awaits_proof_since = null
  from ${account} as account where users.id = account.id and users.awaits_proof_since is not null`
