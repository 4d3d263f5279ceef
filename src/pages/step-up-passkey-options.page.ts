/** /step-up/passkey-options — What the page of /step-up hands to `navigator.credentials.get()`. */
import * as v from 'valibot'
import { ceremonyCookie } from '../http/cookies.ts'
import { beginPasskeyStepUp } from '../mfa/passkey-step-up.ts'
import { CEREMONY_SECONDS } from '../passkeys/ceremony.ts'
import { RequestOptions } from '../passkeys/options.ts'
import { isRefusal } from '../problem.ts'
import { accountPage } from './account.ts'
import { findStepUp, type StepUpData } from './account-data.ts'
import { FORM_FIELDS } from './hosted.ts'

export const stepUpPasskeyOptionsPage = accountPage('stepUpPasskeyOptionsPage', {
  path: '/step-up/passkey-options',
  form: v.strictObject({ ...FORM_FIELDS, credential: v.optional(v.string()) }),
  limits: 'beginStepUpWithPasskey',
  refusals: ['no_second_factor'],
  budget: { redis: 1, postgres: 2 },
  answers: { 200: { 'application/json': RequestOptions } },
  comesFrom: '/step-up',
  queries: findStepUp,
  view: async (screen, data: StepUpData) => (await import('./views/step-up.tsx')).stepUp(screen, data),
  take: async (asked) => {
    const begun = await beginPasskeyStepUp(asked.ctx, asked.called)
    if (isRefusal(begun)) return begun
    const cookie = ceremonyCookie(begun.browser.nonce, CEREMONY_SECONDS)
    return Response.json(begun.options, { headers: { 'set-cookie': cookie } })
  },
})
