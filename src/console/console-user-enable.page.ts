/** /console/users/{id}/enable — Enable an account that was disabled. */
import { enableUser } from '../admin/enable-user.route.ts'
import { Reasoned, userActionPage } from './user-action.ts'

export const consoleUserEnablePage = userActionPage('consoleUserEnablePage', {
  verb: 'enable',
  does: enableUser,
  form: Reasoned,
})
