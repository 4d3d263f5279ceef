/** The Worker `mfa`: /v1/mfa*, the second step of a sign-in and the factors that it asks for. */
import { createApp } from '../app.ts'
import { addTotp } from '../mfa/add-totp.route.ts'
import { confirmEnrolment } from '../mfa/confirm-enrolment.route.ts'
import { confirmTotp } from '../mfa/confirm-totp.route.ts'
import { enrolTotp } from '../mfa/enrol-totp.route.ts'
import { listFactors } from '../mfa/list-factors.route.ts'
import { listTrustedDevices } from '../mfa/list-trusted-devices.route.ts'
import { removeTotp } from '../mfa/remove-totp.route.ts'
import { removeTrustedDevice } from '../mfa/remove-trusted-device.route.ts'
import { removeTrustedDevices } from '../mfa/remove-trusted-devices.route.ts'
import { replaceRecoveryCodes } from '../mfa/replace-recovery-codes.route.ts'
import { requestEmailCode } from '../mfa/request-email-code.route.ts'
import { stepUp } from '../mfa/step-up.route.ts'
import { verifyMfa } from '../mfa/verify-mfa.route.ts'
import { SECRETS } from '../settings.ts'

export const operations = [
  verifyMfa,
  requestEmailCode,
  enrolTotp,
  confirmEnrolment,
  stepUp,
  listFactors,
  addTotp,
  confirmTotp,
  removeTotp,
  replaceRecoveryCodes,
  listTrustedDevices,
  removeTrustedDevice,
  removeTrustedDevices,
]

export const secrets = SECRETS

export default createApp(operations, secrets)
