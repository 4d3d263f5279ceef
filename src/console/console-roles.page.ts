/** /console/roles — What each role of the tenant allows, and the people who have it. */
import { readTenant } from '../admin/read-tenant.route.ts'
import { asks, consolePage } from './console.ts'

export const consoleRolesPage = consolePage('consoleRolesPage', {
  path: '/console/roles',
  asks: [readTenant],
  ask: () => asks([], ({ present }) => ({ roles: present.tenant.policy.roles })),
  view: async (desk, { roles }) => (await import('./views/roles.tsx')).roles(desk, roles),
})
