/** /account/passkey-options — What the page of the passkeys hands to `navigator.credentials.create()`. */
import * as v from 'valibot'
import { ceremonyCookie } from '../http/cookies.ts'
import { CEREMONY_SECONDS } from '../passkeys/ceremony.ts'
import { CreationOptions } from '../passkeys/options.ts'
import { beginRegistration } from '../passkeys/registration.ts'
import { isRefusal } from '../problem.ts'
import { accountPage } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountPasskeyOptionsPage = accountPage('accountPasskeyOptionsPage', {
  path: '/account/passkey-options',
  form: v.strictObject({ ...FORM_FIELDS, credential: v.optional(v.string()) }),
  limits: 'beginPasskeyRegistration',
  refusals: [],
  budget: { redis: 1, postgres: 2 },
  answers: { 200: { 'application/json': CreationOptions } },
  comesFrom: '/account/passkeys',
  queries: () => [] as const,
  view: async (screen, { present }) =>
    (await import('./views/passkeys.tsx')).passkeys(screen, [], present.tenant),
  take: async (asked) => {
    const begun = await beginRegistration(asked.ctx, asked.called, { isConditional: false })
    if (isRefusal(begun)) return begun
    const cookie = ceremonyCookie(begun.browser.nonce, CEREMONY_SECONDS)
    return Response.json(begun.options, { headers: { 'set-cookie': cookie } })
  },
})
