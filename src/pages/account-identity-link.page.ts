/** /account/identity-link — Go to a provider, to link the account there to this one. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { isRefusal } from '../problem.ts'
import { startLink } from '../social/start.ts'
import { accountPage } from './account.ts'
import { FORM_FIELDS, show } from './hosted.ts'
import { NOTHING_WRONG, type Screen } from './screen.ts'

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
    const { ctx, called, form, present } = asked
    const back = { redirect_uri: `${ctx.origin}/account/identities` }
    const started = await startLink(ctx, called, form.provider, back)
    if (isRefusal(started)) return started
    // Not a redirect: browsers hold those of a form to `form-action`, and where a provider is may be anywhere.
    const view = async (screen: Screen) =>
      (await import('./views/identities.tsx')).leaveFor(screen, started.url)
    const page = { path: '/account/identity-link', view, shownTo: () => present } as const
    const shown = await show(page, asked, undefined, { status: 200, wrong: NOTHING_WRONG })
    shown.headers.append('set-cookie', started.cookie)
    return shown
  },
})
