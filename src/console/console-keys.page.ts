/** /console/keys — The API keys of the tenant itself, without what they are made of. */
import { listKeys, MAX_KEYS } from '../api-keys/api-key-store.ts'
import { listApiKeys } from '../api-keys/list-api-keys.route.ts'
import { AS_ADMIN } from '../guard/demands.ts'
import { asks, consolePage } from './console.ts'

export const consoleKeysPage = consolePage('consoleKeysPage', {
  path: '/console/keys',
  asks: [listApiKeys],
  demands: AS_ADMIN,
  more: 1,
  ask: ({ ctx }) =>
    asks([], async ({ present }) => {
      const all = { sid: present.session.id, owner: 'tenant', after: null, limit: MAX_KEYS.tenant } as const
      return { keys: await listKeys(ctx, all) }
    }),
  view: async (desk, { keys }) => (await import('./views/keys.tsx')).keys(desk, keys),
})
