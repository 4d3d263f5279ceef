/** The Worker `webhook`: /v1/webhooks*, for those who administer a tenant. Deliveries leave from `jobs`. */
import { createApp } from '../app.ts'
import { createWebhook } from '../webhooks/create-webhook.route.ts'
import { deleteWebhook } from '../webhooks/delete-webhook.route.ts'
import { listWebhookDeliveries } from '../webhooks/list-webhook-deliveries.route.ts'
import { listWebhooks } from '../webhooks/list-webhooks.route.ts'
import { readWebhook } from '../webhooks/read-webhook.route.ts'
import { replayWebhookDeliveries } from '../webhooks/replay-webhook-deliveries.route.ts'
import { replayWebhookDelivery } from '../webhooks/replay-webhook-delivery.route.ts'
import { rotateWebhookSecret } from '../webhooks/rotate-webhook-secret.route.ts'
import { testWebhook } from '../webhooks/test-webhook.route.ts'
import { updateWebhook } from '../webhooks/update-webhook.route.ts'

export const operations = [
  createWebhook,
  listWebhooks,
  readWebhook,
  updateWebhook,
  deleteWebhook,
  rotateWebhookSecret,
  testWebhook,
  listWebhookDeliveries,
  replayWebhookDeliveries,
  replayWebhookDelivery,
]

export const secrets = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'AUTH_KEYS',
] as const

export default createApp(operations, secrets)
