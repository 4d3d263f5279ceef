/** /account/passkeys — The passkeys of the account. Its form adds the one that the browser has created. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { NewCredential } from '../passkeys/credential.ts'
import { findPasskeys } from '../passkeys/passkey-store.ts'
import { finishRegistration } from '../passkeys/registration.ts'
import { isRefusal } from '../problem.ts'
import { accountPage, doneAt } from './account.ts'
import { credentialField } from './credential-field.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountPasskeysPage = accountPage('accountPasskeysPage', {
  path: '/account/passkeys',
  form: v.strictObject({ ...FORM_FIELDS, credential: credentialField(NewCredential) }),
  limits: 'finishPasskeyRegistration',
  refusals: ['invalid_passkey', 'passkey_exists', 'too_many_passkeys'],
  budget: { redis: 1, postgres: 3 },
  demands: STEP_UP,
  queries: (ctx, own) => [findPasskeys(ctx, { sid: own })] as const,
  view: async (screen, { present, found: [passkeys] }) =>
    (await import('./views/passkeys.tsx')).passkeys(screen, passkeys, present.tenant),
  take: async (asked) => {
    const { credential } = asked.form
    const added = await finishRegistration(asked.ctx, asked.called, { credential, name: undefined })
    return isRefusal(added) ? added : doneAt(asked, '/account/passkeys', 'passkey')
  },
})
