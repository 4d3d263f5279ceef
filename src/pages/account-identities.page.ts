/** /account/identities — The accounts at providers that sign in to this one; unlink one of them. */
import * as v from 'valibot'
import { STEP_UP } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { findOffered } from '../social/flow-store.ts'
import { findIdentities } from '../social/link-store.ts'
import { unlinkOwn } from '../social/unlinking.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountIdentitiesPage = accountPage('accountIdentitiesPage', {
  path: '/account/identities',
  form: v.strictObject({ ...FORM_FIELDS, identity_id: text(64) }),
  limits: 'unlinkIdentity',
  refusals: ['not_found', 'last_way_in'],
  budget: { redis: 1, postgres: 2 },
  demands: STEP_UP,
  queries: (ctx, own) => [findIdentities(ctx, { sid: own }), findOffered(ctx)] as const,
  view: async (screen, { found: [identities, offered] }) =>
    (await import('./views/identities.tsx')).identities(screen, identities, offered),
  take: async (asked) =>
    (await unlinkOwn(asked.ctx, asked.called, asked.form.identity_id)) ??
    doneAt(asked, '/account/identities', 'unlinked'),
})
