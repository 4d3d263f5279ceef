/** /step-up/passkey — The same with a passkey that the account had before the session. */
import * as v from 'valibot'
import { finishPasskeyStepUp } from '../mfa/passkey-step-up.ts'
import { Assertion } from '../passkeys/credential.ts'
import { isRefusal } from '../problem.ts'
import { accountPage, backFromStepUp } from './account.ts'
import { findStepUp, type StepUpData } from './account-data.ts'
import { credentialField } from './credential-field.ts'
import { FORM_FIELDS } from './hosted.ts'

export const stepUpPasskeyPage = accountPage('stepUpPasskeyPage', {
  path: '/step-up/passkey',
  form: v.strictObject({ ...FORM_FIELDS, credential: credentialField(Assertion) }),
  limits: 'stepUpWithPasskey',
  refusals: ['invalid_passkey'],
  budget: { redis: 1, postgres: 3 },
  comesFrom: '/step-up',
  queries: findStepUp,
  view: async (screen, data: StepUpData) => (await import('./views/step-up.tsx')).stepUp(screen, data),
  take: async (asked) => {
    const stepped = await finishPasskeyStepUp(asked.ctx, asked.called, asked.form.credential)
    return isRefusal(stepped) ? stepped : backFromStepUp(asked)
  },
})
