/** The SQL of what roles allow: the tenant's setting `roles`, read where it is asked. */
import { type SQL, sql } from 'drizzle-orm'

/** Over `users` and `tenants`: what the roles allow, a JSON list. A setting that is not as it should be allows nothing. */
export const permissionsNow = sql`(
  select coalesce(jsonb_agg(distinct permission), '[]') from unnest(users.roles) as role,
    jsonb_array_elements(case when jsonb_typeof(tenants.settings -> 'roles' -> role) = 'array'
      then tenants.settings -> 'roles' -> role else '[]' end) as permission
  where jsonb_typeof(permission) = 'string')`

/**
 * Whether a word is a permission, ours or one of a role. Those are given only by who has them.
 * @param declared the tenant's setting `roles`
 */
export const isPermission = (word: SQL, declared: SQL): SQL => sql`(
  ${word} like 'latchkey:%' or exists (
    select from jsonb_each(case when jsonb_typeof(${declared}) = 'object' then ${declared} else '{}' end) as role
    where jsonb_typeof(role.value) = 'array' and role.value ? ${word}))`
