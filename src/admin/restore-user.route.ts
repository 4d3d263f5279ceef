/** POST /v1/admin/users/{id}/restore — Restore a closed account. It has no password then: its owner resets it. */
import { restoreAccountOf } from '../access/closing-store.ts'
import { operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { USER_ACTION, userAction } from './user-action.ts'
import { refuseTarget } from './users.ts'

export const restoreUser = operation(
  {
    ...USER_ACTION,
    id: 'restoreUser',
    path: '/v1/admin/users/:id/restore',
    refusals: ['not_found', 'email_taken'],
  },
  userAction('restoreUser', async (ctx, target, caller) => {
    const outcome = await restoreAccountOf(ctx, target)
    if (outcome === 'email_taken') return refuse(outcome)
    return refuseTarget(outcome, caller, { onOwn: false, onLast: false, onClosed: false })
  }),
)
