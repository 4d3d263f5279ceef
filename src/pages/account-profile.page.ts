/** /account/profile — Change the name, the language of mail, and whether mail comes that is not about security. */
import * as v from 'valibot'
import { DisplayName } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { updateSelf } from '../me/self.ts'
import { isRefusal } from '../problem.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountProfilePage = accountPage('accountProfilePage', {
  path: '/account/profile',
  form: v.strictObject({
    ...FORM_FIELDS,
    // A field that is left empty is removed.
    name: v.optional(DisplayName),
    locale: v.optional(LanguageTag),
    operational_mail: v.optional(v.literal('on')),
  }),
  limits: 'updateMe',
  refusals: [],
  budget: { redis: 1, postgres: 2 },
  queries: () => [] as const,
  view: async (screen, { present }) =>
    (await import('./views/account-forms.tsx')).profile(screen, present.user),
  take: async (asked) => {
    const { name = null, locale = null, operational_mail } = asked.form
    const changes = { name, locale, operational_mail: operational_mail === 'on' }
    const updated = await updateSelf(asked.ctx, asked.called, changes)
    return isRefusal(updated) ? updated : doneAt(asked, '/account', 'profile')
  },
})
