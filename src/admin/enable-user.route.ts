/** POST /v1/admin/users/{id}/enable — Enable an account that was disabled. */
import { enableAccount } from '../access/status-store.ts'
import { operation } from '../operation.ts'
import { USER_ACTION, userAction } from './user-action.ts'
import { refuseTarget } from './users.ts'

export const enableUser = operation(
  {
    ...USER_ACTION,
    id: 'enableUser',
    path: '/v1/admin/users/:id/enable',
    refusals: ['not_found', 'account_closed'],
  },
  userAction('enableUser', async (ctx, target, caller) =>
    refuseTarget(await enableAccount(ctx, target), caller, { onOwn: false, onLast: false }),
  ),
)
