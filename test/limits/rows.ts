/** Which row of LIMITS (src/limits/limits.ts) each operation of the Workers is held to. */
import { execFileSync } from 'node:child_process'
import type { WorkerCode } from '../../ops/routes.ts'
import type { LimitedOperation } from '../../src/limits/limits.ts'

export const ROWS: Record<string, LimitedOperation> = {
  'POST /v1/register': 'register',
  'POST /v1/login': 'login',
  'POST /v1/refresh': 'refresh',
  'POST /v1/logout': 'logout',
  'GET /v1/me': 'readMe',
  'PATCH /v1/me': 'updateMe',
  'GET /v1/sessions': 'listSessions',
  'DELETE /v1/sessions/:id': 'revokeSession',
  'DELETE /v1/sessions': 'revokeSessions',
  'GET /v1/admin/audit-events': 'listAuditEvents',
  'POST /v1/webhooks': 'createWebhook',
  'GET /v1/webhooks': 'listWebhooks',
  'GET /v1/webhooks/:id': 'readWebhook',
  'PATCH /v1/webhooks/:id': 'updateWebhook',
  'DELETE /v1/webhooks/:id': 'deleteWebhook',
  'POST /v1/webhooks/:id/rotate-secret': 'rotateWebhookSecret',
  'POST /v1/webhooks/:id/test': 'testWebhook',
  'GET /v1/webhooks/:id/deliveries': 'listWebhookDeliveries',
  'POST /v1/webhooks/:id/deliveries/replay': 'replayWebhookDeliveries',
  'POST /v1/webhooks/:id/deliveries/:delivery_id/replay': 'replayWebhookDelivery',
  'GET /.well-known/jwks.json': 'jwks',
  'GET /.well-known/openid-configuration': 'openidConfiguration',
  'GET /healthz': 'healthz',
  'GET /readyz': 'readyz',
}

export function rowOf(operation: string): LimitedOperation {
  const row = ROWS[operation]
  if (!row) throw new Error(`${operation} has no row in LIMITS`)
  return row
}

/** What the Workers' entry points export. In a process of its own: Vite cannot load their .wasm and .txt, Node can. */
export function readCode(): Record<string, WorkerCode> {
  return JSON.parse(execFileSync(process.execPath, ['ops/routes.ts', '--json'], { encoding: 'utf8' }))
}
