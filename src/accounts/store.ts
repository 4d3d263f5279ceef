/** The `users` rows. Uniqueness is the database's decision (FINDINGS F19), never a read before a write. */
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { users } from '../storage/schema.ts'
import type { CanonicalEmail } from './accounts.ts'

/** For `db.select({ user: userColumns, … })`. */
export const userColumns = {
  id: users.id,
  email: users.email,
  emailVerifiedAt: users.emailVerifiedAt,
  name: users.name,
  roles: users.roles,
}

/** Deleted accounts keep their id and nothing else; disabled ones may not sign in, refresh or call. */
export const userIsActive = and(eq(users.status, 'active'), isNull(users.deletedAt))

export type NewUser = { id: string; tenantId: string; email: CanonicalEmail; name: string | null }

/** Inserts the account, or nothing at all when the address is taken: the row count is the decision. */
export function insertUser({ db }: Pick<Context, 'db'>, user: NewUser) {
  return db
    .insert(users)
    .values(user)
    .onConflictDoNothing({ target: [users.tenantId, users.email], where: sql`deleted_at is null` })
    .returning(userColumns)
}
