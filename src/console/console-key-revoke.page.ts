/** /console/keys/{id}/revoke — An API key of the tenant counts for nothing from then on. */
import { listKeys, MAX_KEYS } from '../api-keys/api-key-store.ts'
import { listApiKeys } from '../api-keys/list-api-keys.route.ts'
import { revokeApiKey } from '../api-keys/revoke-api-key.route.ts'
import { AS_ADMIN } from '../guard/demands.ts'
import { pathId } from '../http/input.ts'
import { refuse } from '../problem.ts'
import { asks, consoleForm, doneAt, idIn, NoFields } from './console.ts'

export const consoleKeyRevokePage = consoleForm('consoleKeyRevokePage', {
  path: '/console/keys/:id/revoke',
  asks: [listApiKeys, revokeApiKey],
  demands: AS_ADMIN,
  more: 1,
  ask: (asked) =>
    asks([], async ({ present }) => {
      const all = { sid: present.session.id, owner: 'tenant', after: null, limit: MAX_KEYS.tenant } as const
      const id = pathId(idIn(asked))
      const key = (await listKeys(asked.ctx, all)).find((one) => one.id === id)
      return key ? { key } : refuse('not_found')
    }),
  view: async (desk, { key }) => (await import('./views/keys.tsx')).revoked(desk, key),
  form: NoFields,
  does: revokeApiKey,
  asking: (_, asked) => ({ params: { id: idIn(asked) } }),
  after: (asked) => doneAt(asked, '/console/keys', 'revoke'),
})
