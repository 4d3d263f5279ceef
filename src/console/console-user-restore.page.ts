/** /console/users/{id}/restore — Restore a closed account. */
import { restoreUser } from '../admin/restore-user.route.ts'
import { Reasoned, userActionPage } from './user-action.ts'

export const consoleUserRestorePage = userActionPage('consoleUserRestorePage', {
  verb: 'restore',
  does: restoreUser,
  form: Reasoned,
})
