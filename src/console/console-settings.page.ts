/** /console/settings — The tenant: its hosts, and every setting with its default beside it. */
import { readTenant } from '../admin/read-tenant.route.ts'
import { findHosts } from '../admin/tenant-store.ts'
import { asks, consolePage } from './console.ts'

export const consoleSettingsPage = consolePage('consoleSettingsPage', {
  path: '/console/settings',
  asks: [readTenant],
  ask: ({ ctx }) =>
    asks([findHosts(ctx)], ({ found: [hosts] }) => ({ hosts: hosts.map(({ host }) => host) })),
  view: async (desk, { hosts }) => (await import('./views/settings.tsx')).settings(desk, hosts),
})
