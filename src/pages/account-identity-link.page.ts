/** /account/identity-link — Go to a provider, to link the account there to this one. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { isRefusal } from '../problem.ts'
import { startLink } from '../social/start.ts'
import { accountPage } from './account.ts'
import { backOf } from './flow.ts'
import { FORM_FIELDS } from './hosted.ts'
import type { Texts } from './languages/texts.ts'
import { showLeaving } from './leaving.ts'

export const accountIdentityLinkPage = accountPage('accountIdentityLinkPage', {
  path: '/account/identity-link',
  form: v.strictObject({ ...FORM_FIELDS, provider: text(64) }),
  limits: 'linkIdentity',
  refusals: ['not_found'],
  budget: { redis: 1, postgres: 2 },
  comesFrom: '/account/identities',
  queries: () => [] as const,
  view: async (screen) => (await import('./views/identities.tsx')).identities(screen, [], []),
  take: async (asked) => {
    const { ctx, called, form, flow } = asked
    const back = { redirect_uri: `${ctx.origin}${backOf(flow, '/account/identities')}` }
    const started = await startLink(ctx, called, form.provider, back)
    if (isRefusal(started)) return started
    const wordsIn = ({ account }: Texts) => account.identitiesPage.leaving
    return showLeaving(asked, started, { wordsIn, back: '/account/identities' })
  },
})
