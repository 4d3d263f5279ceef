/** /account/api-keys — The keys with which programs act for the person; revoke one of them. */
import * as v from 'valibot'
import { listKeys, MAX_KEYS } from '../api-keys/api-key-store.ts'
import { revoke } from '../api-keys/revoking.ts'
import { text } from '../http/input.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountApiKeysPage = accountPage('accountApiKeysPage', {
  path: '/account/api-keys',
  form: v.strictObject({ ...FORM_FIELDS, key_id: text(64) }),
  limits: 'revokeApiKey',
  refusals: ['not_found'],
  budget: { redis: 1, postgres: 2 },
  queries: (ctx, own) =>
    [listKeys(ctx, { sid: own, owner: 'user', after: null, limit: MAX_KEYS.user })] as const,
  view: async (screen, { present, found: [keys] }) =>
    (await import('./views/api-keys.tsx')).apiKeys(screen, keys, present.tenant),
  take: async (asked) =>
    (await revoke(asked.ctx, asked.called, asked.form.key_id)) ??
    doneAt(asked, '/account/api-keys', 'key_revoked'),
})
