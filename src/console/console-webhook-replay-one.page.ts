/** /console/webhooks/{id}/replay-one — Deliver one delivery once more. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { FORM_FIELDS } from '../pages/hosted.ts'
import { replayWebhookDelivery } from '../webhooks/replay-webhook-delivery.route.ts'
import { idIn } from './console.ts'
import { webhookActionPage } from './webhook-action.ts'

export const consoleWebhookReplayOnePage = webhookActionPage('consoleWebhookReplayOnePage', {
  verb: 'replay-one',
  does: replayWebhookDelivery,
  form: v.strictObject({ ...FORM_FIELDS, delivery_id: v.optional(text(64), '') }),
  asking: ({ delivery_id }, asked) => ({ params: { id: idIn(asked), delivery_id } }),
})
