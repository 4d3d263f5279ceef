/** POST /v1/admin/users/{id}/erase — Erase a closed account within the hour, instead of when the tenant's `erasure_days` are over. Nothing restores it. */
import { eraseAccountSoon } from '../access/closing-store.ts'
import { operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { USER_ACTION, userAction } from './user-action.ts'
import { refuseTarget } from './users.ts'

export const eraseUser = operation(
  {
    ...USER_ACTION,
    id: 'eraseUser',
    path: '/v1/admin/users/:id/erase',
    refusals: ['not_found', 'account_open'],
  },
  userAction('eraseUser', async (ctx, target, caller) => {
    const outcome = await eraseAccountSoon(ctx, target)
    const refused = refuseTarget(outcome, caller, { onOwn: false, onLast: false, onClosed: false })
    if (refused) return refused
    return outcome.status === 'closed' ? null : refuse('account_open')
  }),
)
