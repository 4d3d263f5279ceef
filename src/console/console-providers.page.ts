/** /console/providers — The providers that people may sign in with, and what an administrator pastes there. */

import { listProviders } from '../social/list-providers.route.ts'
import { findProviders } from '../social/provider-store.ts'
import { asks, consolePage } from './console.ts'

export const consoleProvidersPage = consolePage('consoleProvidersPage', {
  path: '/console/providers',
  asks: [listProviders],
  ask: ({ ctx }) =>
    asks([findProviders(ctx)], ({ found: [providers] }) => ({ providers, origin: ctx.origin })),
  view: async (desk, found) => (await import('./views/providers.tsx')).providers(desk, found),
})
