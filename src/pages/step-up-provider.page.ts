/** /step-up/provider — Go to a provider whose word counts, to sign in there once more; it returns to where the person was. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { isRefusal } from '../problem.ts'
import { startStepUp } from '../social/start.ts'
import { accountPage } from './account.ts'
import { findStepUp, type StepUpData } from './account-data.ts'
import { backOf } from './flow.ts'
import { FORM_FIELDS } from './hosted.ts'
import { showLeaving } from './leaving.ts'

export const stepUpProviderPage = accountPage('stepUpProviderPage', {
  path: '/step-up/provider',
  form: v.strictObject({ ...FORM_FIELDS, provider: text(64) }),
  limits: 'stepUpAtProvider',
  refusals: ['not_found'],
  budget: { redis: 1, postgres: 2 },
  comesFrom: '/step-up',
  queries: findStepUp,
  view: async (screen, data: StepUpData) => (await import('./views/step-up.tsx')).stepUp(screen, data),
  take: async (asked) => {
    const { ctx, called, form, flow } = asked
    const redirect_uri = `${ctx.origin}${backOf(flow)}`
    const started = await startStepUp(ctx, called, form.provider, { redirect_uri })
    if (isRefusal(started)) return started
    return showLeaving(asked, started, { wordsIn: ({ stepUp }) => stepUp.leaving, back: '/step-up' })
  },
})
