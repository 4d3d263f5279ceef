/** /account/passkey-factor — A passkey is asked for after the password from now on. The answer shows recovery codes, once. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { addPasskeyFactor } from '../mfa/passkey-factor.ts'
import { findPasskeys } from '../passkeys/passkey-store.ts'
import { isRefusal } from '../problem.ts'
import { accountPage } from './account.ts'
import { showCodes } from './authenticator.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountPasskeyFactorPage = accountPage('accountPasskeyFactorPage', {
  path: '/account/passkey-factor',
  form: v.strictObject({ ...FORM_FIELDS, passkey_id: text(64) }),
  limits: 'addPasskeyFactor',
  refusals: ['second_factors_off', 'email_not_verified', 'not_found', 'passkey_is_second_factor'],
  budget: { redis: 1, postgres: 3 },
  demands: STEP_UP,
  comesFrom: '/account/passkeys',
  queries: (ctx, own) => [findPasskeys(ctx, { sid: own })] as const,
  view: async (screen, { present, found: [passkeys] }) =>
    (await import('./views/passkeys.tsx')).passkeys(screen, passkeys, present.tenant),
  take: async (asked) => {
    const codes = await addPasskeyFactor(asked.ctx, asked.called, asked.form.passkey_id)
    if (isRefusal(codes)) return codes
    return showCodes(asked, codes, `/account/passkeys${queryOf(asked.flow)}`, asked.present)
  },
})
