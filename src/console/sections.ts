/** The pages that the console consists of, in the order of its list. Each is listed for who may see it. */
import { listUsers } from '../admin/list-users.route.ts'
import { readTenant } from '../admin/read-tenant.route.ts'
import { listApiKeys } from '../api-keys/list-api-keys.route.ts'
import { listAuditEvents } from '../audit/list-audit-events.route.ts'
import { AS_ADMIN } from '../guard/demands.ts'
import { listProviders } from '../social/list-providers.route.ts'
import { listWebhooks } from '../webhooks/list-webhooks.route.ts'
import type { Sight } from './desk.ts'
import type { SectionName } from './languages/texts.ts'

export type Section = Sight & { name: SectionName; path: `/console${string}` }

export const SECTIONS: readonly Section[] = [
  { name: 'overview', path: '/console', asks: [listAuditEvents] },
  { name: 'users', path: '/console/users', asks: [listUsers] },
  { name: 'audit', path: '/console/audit', asks: [listAuditEvents] },
  { name: 'webhooks', path: '/console/webhooks', asks: [listWebhooks] },
  { name: 'providers', path: '/console/providers', asks: [listProviders] },
  { name: 'roles', path: '/console/roles', asks: [readTenant] },
  { name: 'keys', path: '/console/keys', asks: [listApiKeys], demands: AS_ADMIN },
  { name: 'settings', path: '/console/settings', asks: [readTenant] },
]
