/**
 * The Worker `session`: /v1/refresh, /v1/logout, /v1/sessions*, /v1/me*, /v1/impersonations and /.well-known/status-list, which it can sign, and /readyz, because it holds
 * both dependencies.
 */
import { createApp } from '../app.ts'
import { readyz } from '../health/readyz.route.ts'
import { deleteMe } from '../me/delete-me.route.ts'
import { exportMe } from '../me/export-me.route.ts'
import { readMe } from '../me/read-me.route.ts'
import { restoreMe } from '../me/restore-me.route.ts'
import { updateMe } from '../me/update-me.route.ts'
import { listSessions } from '../sessions/list-sessions.route.ts'
import { logout } from '../sessions/logout.route.ts'
import { refresh } from '../sessions/refresh.route.ts'
import { revokeSession } from '../sessions/revoke-session.route.ts'
import { revokeSessions } from '../sessions/revoke-sessions.route.ts'
import { statusList } from '../sessions/status-list.route.ts'
import { SECRETS } from '../settings.ts'
import { impersonateUser } from '../sign-in/impersonate-user.route.ts'

export const operations = [
  refresh,
  logout,
  listSessions,
  revokeSession,
  revokeSessions,
  impersonateUser,
  readMe,
  updateMe,
  exportMe,
  deleteMe,
  restoreMe,
  statusList,
  readyz,
]

export const secrets = SECRETS

export default createApp(operations, secrets)
