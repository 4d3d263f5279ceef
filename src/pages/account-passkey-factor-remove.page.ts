/** /account/passkey-factor-remove — The passkey is asked for after the password no more; it still signs in. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { removePasskeyFactor } from '../mfa/passkey-factor.ts'
import { findPasskeys } from '../passkeys/passkey-store.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountPasskeyFactorRemovePage = accountPage('accountPasskeyFactorRemovePage', {
  path: '/account/passkey-factor-remove',
  form: v.strictObject({ ...FORM_FIELDS, passkey_id: text(64) }),
  limits: 'removePasskeyFactor',
  refusals: ['not_found', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  demands: STEP_UP,
  comesFrom: '/account/passkeys',
  queries: (ctx, own) => [findPasskeys(ctx, { sid: own })] as const,
  view: async (screen, { present, found: [passkeys] }) =>
    (await import('./views/passkeys.tsx')).passkeys(screen, passkeys, present.tenant),
  take: async (asked) =>
    (await removePasskeyFactor(asked.ctx, asked.called, asked.form.passkey_id)) ??
    doneAt(asked, '/account/passkeys', 'factor_gone'),
})
