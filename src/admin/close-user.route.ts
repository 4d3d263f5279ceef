/** POST /v1/admin/users/{id}/close — Close an account at once, as its owner would: it is erased after the tenant's `erasure_days`, and until then a mailed link restores it. */
import { closeAccountOf } from '../access/closing-store.ts'
import { newToken } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { USER_ACTION, userAction } from './user-action.ts'
import { refuseTarget } from './users.ts'

export const closeUser = operation(
  {
    ...USER_ACTION,
    id: 'closeUser',
    path: '/v1/admin/users/:id/close',
    refusals: ['not_found', 'own_account', 'last_administrator'],
  },
  userAction('closeUser', async (ctx, target, caller) => {
    const token = await newToken(ctx, 'restore_account')
    return refuseTarget(await closeAccountOf(ctx, target, token), caller, { onClosed: false })
  }),
)
