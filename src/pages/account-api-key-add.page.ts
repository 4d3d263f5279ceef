/** /account/api-key-add — A new key for a program that acts for the person. The answer shows it, once. */
import * as v from 'valibot'
import { createKey, MadeApiKey, NewApiKey } from '../api-keys/creating.ts'
import { STEP_UP } from '../guard/demands.ts'
import { invalidInput } from '../http/body.ts'
import { isRefusal } from '../problem.ts'
import { accountPage } from './account.ts'
import { ApiKeyForm, scopesIn } from './api-key-form.ts'
import { showOnce } from './authenticator.ts'

export const accountApiKeyAddPage = accountPage('accountApiKeyAddPage', {
  path: '/account/api-key-add',
  form: ApiKeyForm,
  limits: 'createApiKey',
  refusals: ['insufficient_role', 'too_many_api_keys'],
  budget: { redis: 1, postgres: 2 },
  demands: STEP_UP,
  alerts: ({ mishaps }) => ({ '/scopes': mishaps.no_scope }),
  queries: () => [] as const,
  view: async (screen, { present }) => (await import('./views/api-keys.tsx')).addKey(screen, present),
  take: async (asked) => {
    const { ctx, called, form, present } = asked
    const { name, days } = form
    const end = days && new Date(ctx.now().getTime() + Number(days) * 86_400_000).toISOString()
    const wanted = { name, scopes: scopesIn(form), ...(end && { expires_at: end }) }
    const input = v.safeParse(NewApiKey, wanted)
    if (!input.success) return invalidInput(input.issues)
    const made = await createKey(ctx, called, input.output, null)
    if (isRefusal(made)) return made
    const { key } = v.parse(MadeApiKey, await made.json())
    return showOnce(
      asked,
      '/account/api-key-add',
      async (screen) => (await import('./views/api-keys.tsx')).madeKey(screen, { name, key }),
      present,
    )
  },
})
