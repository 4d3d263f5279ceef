/** What a list of accounts is asked: for the operation, and for the page of the console that shows the same. */
import * as v from 'valibot'
import { Role } from '../accounts/accounts.ts'
import { ExternalId } from '../accounts/metadata.ts'
import { PAGE } from '../http/cursor.ts'
import { text } from '../http/input.ts'

/** How a canonical address may begin: what no address has finds nothing, and is refused instead. */
const EmailPrefix = v.pipe(
  text(254),
  v.regex(/^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~@-]+$/, 'invalid_email'),
  v.transform((prefix) => prefix.toLowerCase()),
)

const FILTERS = {
  email_prefix: v.optional(EmailPrefix),
  status: v.optional(v.picklist(['active', 'disabled', 'closed'])),
  role: v.optional(Role),
  external_id: v.optional(ExternalId),
}

export const UserQuery = v.strictObject({ ...FILTERS, ...PAGE })

/** @returns the filters, the names of those that are given, and what cursors of this list are sealed under */
export function readUserQuery({ limit: _, cursor: __, ...given }: v.InferOutput<typeof UserQuery>) {
  return {
    filters: {
      emailPrefix: given.email_prefix,
      status: given.status,
      role: given.role,
      externalId: given.external_id,
    },
    names: Object.keys(given),
    list: `users ${JSON.stringify(Object.entries(given).toSorted())}`,
  }
}
