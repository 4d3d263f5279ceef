/** Who administers a tenant, as pieces of the statements that could leave it without an administrator. */
import { type SQL, sql } from 'drizzle-orm'

/** Written as the index `users_admins` has it. */
const holdsAdmin = sql`'admin' = any(other.roles)`

/** Over `users`: whether no other account of its tenant could administer it. */
export const isLastAdministrator: SQL = sql`('admin' = any(users.roles) and not exists (
  select from users as other where other.tenant_id = users.tenant_id and other.id <> users.id
    and ${holdsAdmin} and other.status = 'active' and other.deleted_at is null))`

/** `update … returning …`. @param wanted `id` and `roles` of the accounts that have others from now on */
export const setRoles = (wanted: SQL): SQL => sql`
  update users set roles = wanted_roles.roles from (${wanted}) as wanted_roles where users.id = wanted_roles.id
  returning users.id, users.tenant_id`
