/** /console/users/{id}/end-sessions — Sign a person out everywhere. */
import { endUserSessions } from '../admin/end-user-sessions.route.ts'
import { Reasoned, userActionPage } from './user-action.ts'

export const consoleUserEndSessionsPage = userActionPage('consoleUserEndSessionsPage', {
  verb: 'end-sessions',
  does: endUserSessions,
  form: Reasoned,
})
