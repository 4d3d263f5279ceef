/** /continue — Go on to the product as the person who is signed in already, or sign in with another account. */
import * as v from 'valibot'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { type Present, readPresence } from '../sessions/presence.ts'
import { checkReturn, queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { wayOn } from './on.ts'

export const continuePage = hostedPage('continuePage', {
  path: '/continue',
  form: v.strictObject(FORM_FIELDS),
  limits: 'continueSignedIn',
  refusals: [],
  budget: { redis: 1, postgres: 2 },
  load: async (asked): Promise<{ present: Present } | Response | Refusal> => {
    const { ctx, headers, flow } = asked
    const read = await readPresence(ctx, headers, () => [] as const, 'pages')
    if (isRefusal(read)) return read
    const refused = checkReturn(read.tenant, ctx.origin, flow)
    if (refused) return refused
    if (!read.present) return seeOther(`/sign-in${queryOf(flow)}`)
    // Nothing to choose: their own account.
    if (flow.redirect_uri === undefined) return wayOn(asked, read.present)
    return { present: read.present }
  },
  shownTo: ({ present }) => present,
  view: async (screen, { present }) => (await import('./views/continue.tsx')).continueAs(screen, present),
  take: async (asked) => {
    const { ctx, headers, flow, form } = asked
    const limited = await checkLimits(ctx, 'continueSignedIn')
    if (limited) return limited
    const read = await readPresence(ctx, headers, () => [] as const, 'pages')
    if (isRefusal(read)) return read
    if (!read.present) return seeOther(`/sign-in${queryOf(flow)}`)
    return (await requireFormToken(asked, form, read.present)) ?? wayOn(asked, read.present)
  },
})
