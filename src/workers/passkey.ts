/** The Worker `passkey`: /v1/passkeys*. What verifies passkeys is loaded with the first of them. */
import { createApp } from '../app.ts'
import { addPasskeyFactor } from '../mfa/add-passkey-factor.route.ts'
import { beginMfaWithPasskey } from '../mfa/begin-mfa-with-passkey.route.ts'
import { beginStepUpWithPasskey } from '../mfa/begin-step-up-with-passkey.route.ts'
import { removePasskeyFactor } from '../mfa/remove-passkey-factor.route.ts'
import { stepUpWithPasskey } from '../mfa/step-up-with-passkey.route.ts'
import { verifyMfaWithPasskey } from '../mfa/verify-mfa-with-passkey.route.ts'
import { beginPasskeyRegistration } from '../passkeys/begin-passkey-registration.route.ts'
import { beginPasskeySignIn } from '../passkeys/begin-passkey-sign-in.route.ts'
import { deletePasskey } from '../passkeys/delete-passkey.route.ts'
import { finishPasskeyRegistration } from '../passkeys/finish-passkey-registration.route.ts'
import { finishPasskeySignIn } from '../passkeys/finish-passkey-sign-in.route.ts'
import { listPasskeys } from '../passkeys/list-passkeys.route.ts'
import { renamePasskey } from '../passkeys/rename-passkey.route.ts'
import { SECRETS } from '../settings.ts'

export const operations = [
  beginPasskeyRegistration,
  finishPasskeyRegistration,
  beginPasskeySignIn,
  finishPasskeySignIn,
  listPasskeys,
  renamePasskey,
  deletePasskey,
  addPasskeyFactor,
  removePasskeyFactor,
  beginMfaWithPasskey,
  verifyMfaWithPasskey,
  beginStepUpWithPasskey,
  stepUpWithPasskey,
]

export const secrets = SECRETS

export default createApp(operations, secrets)
