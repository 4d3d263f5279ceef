/** Which row of LIMITS (src/limits/limits.ts) each operation of the Workers is held to. */
import { execFileSync } from 'node:child_process'
import type { WorkerCode } from '../../ops/routes.ts'
import type { LimitedOperation } from '../../src/limits/limits.ts'

export const ROWS: Record<string, LimitedOperation> = {
  'POST /v1/register': 'register',
  'POST /v1/login': 'login',
  'POST /v1/password/forgot': 'forgotPassword',
  'POST /v1/password/reset': 'resetPassword',
  'POST /v1/password/change': 'changePassword',
  'POST /v1/password/confirm': 'confirmPassword',
  'POST /v1/email/verify': 'verifyEmail',
  'POST /v1/email/resend': 'resendVerification',
  'POST /v1/email/change': 'requestEmailChange',
  'POST /v1/email/change/confirm': 'confirmEmailChange',
  'POST /v1/email/change/revert': 'revertEmailChange',
  'POST /v1/email/code': 'requestSignInCode',
  'POST /v1/email/code/verify': 'verifySignInCode',
  'POST /v1/email/link/verify': 'verifyEmailLink',
  'POST /v1/invitations/accept': 'acceptInvitation',
  'POST /v1/refresh': 'refresh',
  'POST /v1/logout': 'logout',
  'GET /v1/me': 'readMe',
  'PATCH /v1/me': 'updateMe',
  'GET /v1/me/export': 'exportMe',
  'DELETE /v1/me': 'deleteMe',
  'POST /v1/me/restore': 'restoreMe',
  'GET /v1/sessions': 'listSessions',
  'DELETE /v1/sessions/:id': 'revokeSession',
  'DELETE /v1/sessions': 'revokeSessions',
  'POST /v1/mfa/verify': 'verifyMfa',
  'POST /v1/mfa/enrol': 'enrolTotp',
  'POST /v1/mfa/enrol/confirm': 'confirmEnrolment',
  'POST /v1/mfa/step-up': 'stepUp',
  'GET /v1/mfa': 'listFactors',
  'POST /v1/mfa/totp': 'addTotp',
  'POST /v1/mfa/totp/confirm': 'confirmTotp',
  'DELETE /v1/mfa/totp': 'removeTotp',
  'POST /v1/mfa/recovery-codes': 'replaceRecoveryCodes',
  'GET /v1/admin/audit-events': 'listAuditEvents',
  'POST /v1/admin/users/import': 'importUsers',
  'POST /v1/admin/invitations': 'createInvitation',
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
  'GET /.well-known/change-password': 'changePasswordPage',
  // A page is shown at one price, whichever it is; its form is held to the row of the operation that it is a form of.
  'GET /link/verify-email': 'linkPage',
  'POST /link/verify-email': 'verifyEmail',
  'GET /link/reset-password': 'linkPage',
  'POST /link/reset-password': 'resetPassword',
  'GET /link/forgot-password': 'linkPage',
  'POST /link/forgot-password': 'forgotPassword',
  'GET /link/change-email': 'linkPage',
  'POST /link/change-email': 'confirmEmailChange',
  'GET /link/revert-email': 'linkPage',
  'POST /link/revert-email': 'revertEmailChange',
  'GET /link/sign-in': 'linkPage',
  'POST /link/sign-in': 'verifyEmailLink',
  'GET /link/request-sign-in': 'linkPage',
  'POST /link/request-sign-in': 'requestSignInCode',
  'GET /link/resend-verification': 'linkPage',
  'POST /link/resend-verification': 'resendVerification',
  'GET /link/restore-account': 'linkPage',
  'POST /link/restore-account': 'restoreMe',
  'GET /link/accept-invitation': 'linkPage',
  'POST /link/accept-invitation': 'acceptInvitation',
  'GET /openapi.json': 'openapi',
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
