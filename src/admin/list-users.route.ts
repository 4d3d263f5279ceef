/**
 * GET /v1/admin/users — Find accounts of the tenant, in pages: the newest first, or, with `email_prefix`, in order of email
 * address. Erased accounts are not listed.
 */
import * as v from 'valibot'
import { listAccounts, positionIn } from '../access/find-store.ts'
import { Role } from '../accounts/accounts.ts'
import { ExternalId } from '../accounts/metadata.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { readAsCaller } from '../guard/caller.ts'
import { openCursor, PAGE, pageAnswer, pageOf } from '../http/cursor.ts'
import { text } from '../http/input.ts'
import { requireKeysInUse } from '../keys/auth-keys.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { ListedUserAnswer, presentListed } from './users.ts'

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

export const listUsers = operation(
  {
    id: 'listUsers',
    method: 'GET',
    path: '/v1/admin/users',
    query: v.strictObject({ ...FILTERS, ...PAGE }),
    answers: { 200: pageAnswer(ListedUserAnswer) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:users:read',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, query: { limit, cursor, ...given } }) => {
    const list = `users ${JSON.stringify(Object.entries(given).toSorted())}`
    const after = await openCursor(ctx, list, cursor, () => requireKeysInUse(ctx, 'admin'))
    if (isRefusal(after)) return after
    const filters = {
      emailPrefix: given.email_prefix,
      status: given.status,
      role: given.role,
      externalId: given.external_id,
    }
    const find = () => listAccounts(ctx, { host: ctx.host }, { filters, after, limit: limit + 1 })
    const read = await readAsCaller(ctx, headers, 'listUsers', find, demands)
    if (isRefusal(read)) return read
    recordAttempt(ctx, 'user.read', { actor: read.caller.userId, data: { filters: Object.keys(given) } })
    const positionOf = (account: (typeof read.found)[number]) => positionIn(filters, account)
    const { rows, next_cursor } = await pageOf(ctx, list, { rows: read.found, limit, positionOf })
    return Response.json({ data: rows.map(presentListed), next_cursor })
  },
)
