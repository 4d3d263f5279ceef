/** /console/webhooks/{id}/test — Send a test to a webhook endpoint. */
import { testWebhook } from '../webhooks/test-webhook.route.ts'
import { idIn, NoFields } from './console.ts'
import { webhookActionPage } from './webhook-action.ts'

export const consoleWebhookTestPage = webhookActionPage('consoleWebhookTestPage', {
  verb: 'test',
  does: testWebhook,
  form: NoFields,
  asking: (_, asked) => ({ params: { id: idIn(asked) } }),
})
