/** /console/webhooks/{id}/replay — Deliver once more what was given up since a time. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { FORM_FIELDS } from '../pages/hosted.ts'
import { replayWebhookDeliveries } from '../webhooks/replay-webhook-deliveries.route.ts'
import { instantOf } from './audit-fields.ts'
import { idIn } from './console.ts'
import { webhookActionPage } from './webhook-action.ts'

export const consoleWebhookReplayPage = webhookActionPage('consoleWebhookReplayPage', {
  verb: 'replay',
  does: replayWebhookDeliveries,
  form: v.strictObject({ ...FORM_FIELDS, since: v.optional(text(40)), all: v.optional(v.literal('on')) }),
  asking: ({ since, all }, asked) => ({
    params: { id: idIn(asked) },
    body: {
      ...(since !== undefined && { since: instantOf(since) }),
      state: all === 'on' ? 'all' : 'dead',
    },
  }),
})
