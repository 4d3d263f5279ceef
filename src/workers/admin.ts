/** The Worker `admin`: /v1/admin/*, for those who administer a tenant. It issues no tokens, so it cannot sign any. */
import { createInvitation } from '../admin/create-invitation.route.ts'
import { importUsers } from '../admin/import-users.route.ts'
import { createApp } from '../app.ts'
import { listAuditEvents } from '../audit/list-audit-events.route.ts'

export const operations = [listAuditEvents, importUsers, createInvitation]

export const secrets = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'AUTH_KEYS',
] as const

export default createApp(operations, secrets)
