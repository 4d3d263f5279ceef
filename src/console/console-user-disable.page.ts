/** /console/users/{id}/disable — Disable an account, with a reason. */
import { disableUser } from '../admin/disable-user.route.ts'
import { Reasoned, userActionPage } from './user-action.ts'

export const consoleUserDisablePage = userActionPage('consoleUserDisablePage', {
  verb: 'disable',
  does: disableUser,
  form: Reasoned,
})
