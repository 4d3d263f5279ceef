/** The Worker `password`: whatever hashes a password. The only one that carries Argon2. */
import { createApp } from '../app.ts'
import { acceptInvitationPage } from '../pages/accept-invitation.page.ts'
import { forgotPasswordPage } from '../pages/forgot-password.page.ts'
import { resetPasswordPage } from '../pages/reset-password.page.ts'
import { verifyEmailPage } from '../pages/verify-email.page.ts'
import { acceptInvitation } from '../passwords/accept-invitation.route.ts'
import { changePassword } from '../passwords/change-password.route.ts'
import { confirmPassword } from '../passwords/confirm-password.route.ts'
import { forgotPassword } from '../passwords/forgot-password.route.ts'
import { login } from '../passwords/login.route.ts'
import { register } from '../passwords/register.route.ts'
import { resetPassword } from '../passwords/reset-password.route.ts'
import { verifyEmail } from '../passwords/verify-email.route.ts'
import { SECRETS } from '../settings.ts'

export const operations = [
  register,
  login,
  forgotPassword,
  resetPassword,
  changePassword,
  confirmPassword,
  verifyEmail,
  acceptInvitation,
  ...verifyEmailPage,
  ...resetPasswordPage,
  ...forgotPasswordPage,
  ...acceptInvitationPage,
]

export const secrets = SECRETS

export default createApp(operations, secrets)
