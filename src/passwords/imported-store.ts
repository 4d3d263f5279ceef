/** The SQL of passwords that moved in with their accounts. It imports nothing, so that `npm run import` compiles in Node. */
import { type SQL, sql } from 'drizzle-orm'

/** `insert …`: of accounts that have none. @param from a select that yields `user_id`, `tenant_id`, `phc` and `key_id` */
export const insertPasswords = (from: SQL): SQL =>
  sql`insert into passwords (user_id, tenant_id, phc, key_id) ${from}`
