/** /account/authenticator-code — Confirm the app with its first code. The answer shows the recovery codes, once. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { confirmTotp } from '../mfa/enrolment.ts'
import { isRefusal } from '../problem.ts'
import { accountPage } from './account.ts'
import { showCodes } from './authenticator.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountAuthenticatorCodePage = accountPage('accountAuthenticatorCodePage', {
  path: '/account/authenticator-code',
  form: v.strictObject({ ...FORM_FIELDS, factor_id: text(64), code: text(64) }),
  limits: 'confirmTotp',
  refusals: ['not_found', 'invalid_code', 'second_factor_disabled'],
  budget: { redis: 1, postgres: 3 },
  comesFrom: '/account/authenticator',
  queries: () => [] as const,
  view: async (screen) => (await import('./views/authenticator.tsx')).scan(screen, { app: null, hidden: {} }),
  take: async (asked) => {
    const { factor_id, code } = asked.form
    const codes = await confirmTotp(asked.ctx, asked.called, { factor_id, code: code.trim() })
    if (isRefusal(codes)) return codes
    return showCodes(asked, codes, `/account${queryOf(asked.flow, { done: 'app' })}`, asked.present)
  },
})
