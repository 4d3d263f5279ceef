/** /account/data — Download everything that is held about the account (docs/export.md). */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { exportSelf } from '../me/export.ts'
import { accountPage } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountDataPage = accountPage('accountDataPage', {
  path: '/account/data',
  form: v.strictObject(FORM_FIELDS),
  limits: 'exportMe',
  refusals: [],
  budget: { redis: 1, postgres: 5 },
  answers: { 200: { 'application/json': v.looseObject({ schema: v.literal('latchkey.export.v1') }) } },
  demands: STEP_UP,
  queries: () => [] as const,
  view: async (screen) => (await import('./views/account-forms.tsx')).data(screen),
  take: ({ ctx, called }) => exportSelf(ctx, called),
})
