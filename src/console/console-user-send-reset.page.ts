/** /console/users/{id}/send-reset — Mail a person a link that sets a new password. */
import { sendUserReset } from '../admin/send-user-reset.route.ts'
import { Reasoned, userActionPage } from './user-action.ts'

export const consoleUserSendResetPage = userActionPage('consoleUserSendResetPage', {
  verb: 'send-reset',
  does: sendUserReset,
  form: Reasoned,
})
