/** The Worker `email`: /v1/email/* and the pages of its links, but for what hashes a password (password.ts). */

import { confirmEmailChange } from '../addresses/confirm-email-change.route.ts'
import { requestEmailChange } from '../addresses/request-email-change.route.ts'
import { requestSignInCode } from '../addresses/request-sign-in-code.route.ts'
import { resendVerification } from '../addresses/resend-verification.route.ts'
import { revertEmailChange } from '../addresses/revert-email-change.route.ts'
import { verifySignInCode } from '../addresses/verify-sign-in-code.route.ts'
import { verifySignInLink } from '../addresses/verify-sign-in-link.route.ts'
import { createApp } from '../app.ts'
import { changeEmailPage } from '../pages/change-email.page.ts'
import { requestSignInPage } from '../pages/request-sign-in.page.ts'
import { resendVerificationPage } from '../pages/resend-verification.page.ts'
import { restoreAccountPage } from '../pages/restore-account.page.ts'
import { revertEmailPage } from '../pages/revert-email.page.ts'
import { signInPage } from '../pages/sign-in.page.ts'
import { SECRETS } from '../settings.ts'

export const operations = [
  resendVerification,
  requestEmailChange,
  confirmEmailChange,
  revertEmailChange,
  requestSignInCode,
  verifySignInCode,
  verifySignInLink,
  ...changeEmailPage,
  ...revertEmailPage,
  ...signInPage,
  ...requestSignInPage,
  ...resendVerificationPage,
  ...restoreAccountPage,
]

export const secrets = SECRETS

export default createApp(operations, secrets)
