/** /step-up/code — The same with a code of a second factor, where the account has one. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { stepUpWithFactor } from '../mfa/step-up.ts'
import { isTotpCode } from '../mfa/totp.ts'
import { isRefusal } from '../problem.ts'
import { accountPage, backFromStepUp } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const stepUpCodePage = accountPage('stepUpCodePage', {
  path: '/step-up/code',
  form: v.strictObject({ ...FORM_FIELDS, code: text(64) }),
  limits: 'stepUp',
  refusals: ['no_second_factor', 'invalid_code', 'second_factor_disabled'],
  budget: { redis: 1, postgres: 3 },
  queries: () => [] as const,
  view: async (screen) => (await import('./views/step-up.tsx')).stepUpWithCode(screen),
  take: async (asked) => {
    const code = asked.form.code.trim()
    const method = isTotpCode(code) ? 'totp' : 'recovery_code'
    const stepped = await stepUpWithFactor(asked.ctx, asked.called, { method, code })
    return isRefusal(stepped) ? stepped : backFromStepUp(asked)
  },
})
