/** /account/passkey-remove — Remove a passkey. Every other session ends. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { findPasskeys } from '../passkeys/passkey-store.ts'
import { removeOwnPasskey } from '../passkeys/removal.ts'
import { isRefusal } from '../problem.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountPasskeyRemovePage = accountPage('accountPasskeyRemovePage', {
  path: '/account/passkey-remove',
  form: v.strictObject({ ...FORM_FIELDS, passkey_id: text(64) }),
  limits: 'deletePasskey',
  refusals: ['not_found', 'last_way_in', 'passkey_is_second_factor'],
  budget: { redis: 1, postgres: 2 },
  comesFrom: '/account/passkeys',
  queries: (ctx, own) => [findPasskeys(ctx, { sid: own })] as const,
  view: async (screen, { present, found: [passkeys] }) =>
    (await import('./views/passkeys.tsx')).passkeys(screen, passkeys, present.tenant),
  take: async (asked) => {
    const removed = await removeOwnPasskey(asked.ctx, asked.called, asked.form.passkey_id)
    return isRefusal(removed) ? removed : doneAt(asked, '/account/passkeys', 'passkey_removed')
  },
})
