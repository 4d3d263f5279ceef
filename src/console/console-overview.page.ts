/** /console — Sign-ins, refusals by reason, new accounts and failures of mail and webhooks over time, in pictures and as tables. */
import * as v from 'valibot'
import { listAuditEvents } from '../audit/list-audit-events.route.ts'
import { recordAttempt } from '../events/dispatch.ts'
import { countDroppedMails } from '../mailer/drops-store.ts'
import { asks, consolePage } from './console.ts'
import { countPictures } from './count-pictures.ts'
import { SPANS, windowOf } from './pictures.ts'

const Span = v.fallback(v.picklist(SPANS), 'day')

export const consoleOverviewPage = consolePage('consoleOverviewPage', {
  path: '/console',
  query: { span: v.optional(v.pipe(v.string(), v.maxLength(20))) },
  asks: [listAuditEvents],
  isEntrance: true,
  more: 1,
  ask: ({ c, ctx }) => {
    const span = v.parse(Span, c.req.query('span'))
    const window = windowOf(ctx.now(), span)
    return asks([countDroppedMails(ctx, window)], async ({ present, found: [mails] }) => {
      recordAttempt(ctx, 'audit.read', { actor: present.user.id, data: { format: 'json', filters: [] } })
      return { span, counted: await countPictures(ctx, present.tenant.id, { span, window, mails }) }
    })
  },
  view: async (desk, data) => (await import('./views/overview.tsx')).overview(desk, data),
})
