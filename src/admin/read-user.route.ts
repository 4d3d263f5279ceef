/** GET /v1/admin/users/{id} — Read an account of the tenant. Answers 404 for an account of another tenant. */
import { findAccounts } from '../access/find-store.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { readAsCaller } from '../guard/caller.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { FoundUserAnswer, presentFound } from './users.ts'

export const readUser = operation(
  {
    id: 'readUser',
    method: 'GET',
    path: '/v1/admin/users/:id',
    answers: { 200: FoundUserAnswer },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:users:read',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params }) => {
    const id = pathId(params.id)
    const find = () => findAccounts(ctx, { host: ctx.host }, { id })
    const read = await readAsCaller(ctx, headers, 'readUser', find, demands)
    if (isRefusal(read)) return read
    const [account] = read.found
    if (!account) return refuse('not_found')
    recordAttempt(ctx, 'user.read', { subject: account.id, actor: read.caller.userId, data: {} })
    return Response.json(presentFound(account))
  },
)
