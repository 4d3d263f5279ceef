/** The Worker `admin`: /v1/admin/*, for those who administer a tenant. It issues no tokens, so it cannot sign any. */

import { cancelSecondFactorRemoval } from '../admin/cancel-second-factor-removal.route.ts'
import { changeUserRoles } from '../admin/change-user-roles.route.ts'
import { closeUser } from '../admin/close-user.route.ts'
import { createInvitation } from '../admin/create-invitation.route.ts'
import { createUser } from '../admin/create-user.route.ts'
import { disableUser } from '../admin/disable-user.route.ts'
import { enableUser } from '../admin/enable-user.route.ts'
import { endUserSessions } from '../admin/end-user-sessions.route.ts'
import { eraseUser } from '../admin/erase-user.route.ts'
import { importUsers } from '../admin/import-users.route.ts'
import { listSecondFactorRemovals } from '../admin/list-second-factor-removals.route.ts'
import { listUsers } from '../admin/list-users.route.ts'
import { readTenant } from '../admin/read-tenant.route.ts'
import { readUser } from '../admin/read-user.route.ts'
import { readUserMetadata } from '../admin/read-user-metadata.route.ts'
import { restoreUser } from '../admin/restore-user.route.ts'
import { sendUserReset } from '../admin/send-user-reset.route.ts'
import { startSecondFactorRemoval } from '../admin/start-second-factor-removal.route.ts'
import { updateTenant } from '../admin/update-tenant.route.ts'
import { updateTenantLogo } from '../admin/update-tenant-logo.route.ts'
import { updateUserMetadata } from '../admin/update-user-metadata.route.ts'
import { verifyUserEmail } from '../admin/verify-user-email.route.ts'
import { importApiKeys } from '../api-keys/import-api-keys.route.ts'
import { createApp } from '../app.ts'
import { listAuditEvents } from '../audit/list-audit-events.route.ts'
import { createProvider } from '../social/create-provider.route.ts'
import { deleteProvider } from '../social/delete-provider.route.ts'
import { listProviders } from '../social/list-providers.route.ts'
import { updateProvider } from '../social/update-provider.route.ts'

export const operations = [
  listAuditEvents,
  readTenant,
  updateTenant,
  updateTenantLogo,
  listUsers,
  readUser,
  disableUser,
  enableUser,
  endUserSessions,
  createUser,
  changeUserRoles,
  verifyUserEmail,
  sendUserReset,
  closeUser,
  restoreUser,
  eraseUser,
  importUsers,
  createInvitation,
  createProvider,
  listProviders,
  updateProvider,
  deleteProvider,
  startSecondFactorRemoval,
  listSecondFactorRemovals,
  cancelSecondFactorRemoval,
  readUserMetadata,
  updateUserMetadata,
  importApiKeys,
]

export const secrets = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'AUTH_KEYS',
] as const

export default createApp(operations, secrets)
