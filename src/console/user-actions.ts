/** What can be done with an account, each by the operation that does it, in the order in which it is offered. */
import { changeUserRoles } from '../admin/change-user-roles.route.ts'
import { closeUser } from '../admin/close-user.route.ts'
import { disableUser } from '../admin/disable-user.route.ts'
import { enableUser } from '../admin/enable-user.route.ts'
import { endUserSessions } from '../admin/end-user-sessions.route.ts'
import { restoreUser } from '../admin/restore-user.route.ts'
import { sendUserReset } from '../admin/send-user-reset.route.ts'
import { verifyUserEmail } from '../admin/verify-user-email.route.ts'
import type { Operation } from '../operation.ts'
import type { UserActionName } from './languages/texts.ts'

export const USER_ACTIONS: readonly { name: UserActionName; does: Operation }[] = [
  { name: 'disable', does: disableUser },
  { name: 'enable', does: enableUser },
  { name: 'end-sessions', does: endUserSessions },
  { name: 'send-reset', does: sendUserReset },
  { name: 'roles', does: changeUserRoles },
  { name: 'verify-email', does: verifyUserEmail },
  { name: 'close', does: closeUser },
  { name: 'restore', does: restoreUser },
]
