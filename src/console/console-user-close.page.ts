/** /console/users/{id}/close — Close an account; until it is erased it can be restored. */
import { closeUser } from '../admin/close-user.route.ts'
import { Reasoned, userActionPage } from './user-action.ts'

export const consoleUserClosePage = userActionPage('consoleUserClosePage', {
  verb: 'close',
  does: closeUser,
  form: Reasoned,
})
