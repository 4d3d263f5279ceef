/** The `users` rows. Uniqueness is the database's decision (FINDINGS F19), never a read before a write. */
import { and, eq, isNull, type SQL, sql } from 'drizzle-orm'
import { users } from '../storage/schema.ts'
import type { CanonicalEmail } from './accounts.ts'

/** For `db.select({ user: userColumns, … })`. */
export const userColumns = {
  id: users.id,
  email: users.email,
  emailVerifiedAt: users.emailVerifiedAt,
  name: users.name,
  locale: users.locale,
  roles: users.roles,
}

/** The same, for the person themself. */
export const selfColumns = { ...userColumns, operationalMail: users.operationalMail }

/** Deleted accounts keep their id and nothing else; disabled ones may not sign in, refresh or call. */
export const userIsActive = and(eq(users.status, 'active'), isNull(users.deletedAt))

/** Closed, and not erased yet: what its owner may take back. */
export const userIsClosed = sql`users.status = 'active' and users.deleted_at is not null and users.erased_at is null`

/** Open or closed: what an undone change of address gives back. */
export const userIsNotErased = sql`users.status = 'active' and users.erased_at is null`

export type NewUser = {
  id: string
  tenantId: string
  email: CanonicalEmail
  name: string | null
  locale: string | null
  /** Whether nothing opens it before its address is proved; then it is closed when that never happens. */
  awaitsProof: boolean
}

/** Inserts the account and returns its row, or does nothing when the address is taken: the row count is the decision. */
export const insertUser = ({ id, tenantId, email, name, locale, awaitsProof }: NewUser): SQL => sql`
  insert into users (id, tenant_id, email, name, locale, awaits_proof_since)
  values (${id}, ${tenantId}, ${email}, ${name}, ${locale}, case when ${awaitsProof}::boolean then now() end)
  on conflict (tenant_id, email) where deleted_at is null do nothing returning *`
