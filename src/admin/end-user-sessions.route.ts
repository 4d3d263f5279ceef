/** POST /v1/admin/users/{id}/end-sessions — End every session of an account. Mailed links go on working. */
import { signAccountOut } from '../access/status-store.ts'
import { operation } from '../operation.ts'
import { USER_ACTION, userAction } from './user-action.ts'
import { refuseTarget } from './users.ts'

export const endUserSessions = operation(
  {
    ...USER_ACTION,
    id: 'endUserSessions',
    path: '/v1/admin/users/:id/end-sessions',
    refusals: ['not_found', 'account_closed'],
  },
  userAction('endUserSessions', async (ctx, target, caller) =>
    refuseTarget(await signAccountOut(ctx, target), caller, { onOwn: false, onLast: false }),
  ),
)
