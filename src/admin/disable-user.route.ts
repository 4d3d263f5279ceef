/** POST /v1/admin/users/{id}/disable — Disable an account: it cannot sign in, refresh or call, and its sessions end. Its owner keeps what opens it, for when it is enabled. */
import { disableAccount } from '../access/status-store.ts'
import { operation } from '../operation.ts'
import { USER_ACTION, userAction } from './user-action.ts'
import { refuseTarget } from './users.ts'

export const disableUser = operation(
  {
    ...USER_ACTION,
    id: 'disableUser',
    path: '/v1/admin/users/:id/disable',
    refusals: ['not_found', 'account_closed', 'own_account', 'last_administrator'],
  },
  userAction('disableUser', async (ctx, target, caller) =>
    refuseTarget(await disableAccount(ctx, target, { last: false }), caller),
  ),
)
