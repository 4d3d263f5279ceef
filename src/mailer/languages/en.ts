/** English. */
import type { Texts } from './texts.ts'

export const en: Texts = {
  greeting: (name) => (name === null ? 'Hello,' : `Hello ${name},`),
  mails: {
    verify_email: {
      subject: (tenant) => `Confirm your email for ${tenant}`,
      paragraphs: (tenant) => [
        `This email address was used for an account at ${tenant}. Please confirm that it is yours.`,
        'If it was not you, ignore this email. The address stays unconfirmed.',
      ],
      action: 'Confirm email',
    },
    registered_again: {
      subject: (tenant) => `You already have an account at ${tenant}`,
      paragraphs: (tenant) => [
        `We received a request to create an account at ${tenant} with this email address. You already have an account, and it has not changed.`,
        'Sign in as usual. If you forgot your password, reset it with “Forgot password”. If it was not you, ignore this email.',
      ],
    },
    reset_password: {
      subject: (tenant) => `Reset your password for ${tenant}`,
      paragraphs: (tenant) => [
        `We received a request to reset the password of your account at ${tenant}. The link works once. A new password signs you out everywhere.`,
        'If you did not request this, ignore this email. Your password stays the same.',
      ],
      action: 'Reset password',
    },
    approve_email_change: {
      subject: (tenant) => `Approve your new email for ${tenant}`,
      paragraphs: (tenant) => [
        `We received a request to change the email address of your account at ${tenant}, from the device below. The address changes after both the old and the new address have confirmed. This link confirms for the old address.`,
        'If it was not you, do not open the link and change your password: someone else is signed in to your account.',
      ],
      action: 'Approve the change',
    },
    confirm_new_email: {
      subject: (tenant) => `Confirm your new email for ${tenant}`,
      paragraphs: (tenant) => [
        `The account at ${tenant} named below will use this email address. The address changes after both the old and the new address have confirmed. This link confirms for the new address.`,
        'If you did not request this, ignore this email. Nothing changes without you.',
      ],
      action: 'Confirm email',
    },
    email_changed: {
      subject: (tenant) => `Your email for ${tenant} was changed`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} has a new email address. Both addresses confirmed it. We no longer send email about the account to this address.`,
        'If it was not you, undo the change. The account then has this address again, all devices are signed out, and the password is removed.',
      ],
      action: 'Undo the change',
    },
    email_reverted: {
      subject: (tenant) => `The change of your email for ${tenant} was undone`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} has this email address again.`,
        'All devices were signed out, and the password was removed. Set a new one with “Forgot password”, then sign in.',
      ],
    },
    sign_in: {
      subject: (tenant) => `Sign in to ${tenant}`,
      paragraphs: (tenant) => [
        `We received a request to sign in to your account at ${tenant}. The link works once, and only in the browser that requested it.`,
        'If you did not request this, ignore this email. No one can sign in without it.',
      ],
      action: 'Sign in',
    },
    account_closed: {
      subject: (tenant) => `Your account at ${tenant} was closed`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} was closed. No one can sign in to it, and your data will be deleted.`,
        'You can restore the account until the time below. It then has no password; set a new one with “Forgot password”.',
      ],
      action: 'Restore account',
    },
    account_restored: {
      subject: (tenant) => `Your account at ${tenant} was restored`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} was closed and has been restored.`,
        'It has no password. Set one with “Forgot password”, then sign in.',
      ],
    },
    impersonated: {
      subject: (tenant) => `An administrator viewed your account at ${tenant}`,
      paragraphs: (tenant) => [
        `An administrator of ${tenant} used your account for a short time, for example to help you. They cannot change your password or other security settings, and this access ends by itself within 30 minutes.`,
        'If you did not expect this, contact the administrators.',
      ],
    },
    invitation: {
      subject: (tenant) => `You are invited to ${tenant}`,
      paragraphs: (tenant) => [
        `An administrator of ${tenant} invited you to create an account with this email address.`,
        'If you did not expect this, ignore this email. No account is created without you.',
      ],
      action: 'Accept invitation',
    },
    password_changed: {
      subject: (tenant) => `Your password for ${tenant} was changed`,
      paragraphs: (tenant) => [
        `The password of your account at ${tenant} was changed.`,
        'If it was not you, reset your password now with “Forgot password”. That signs out all devices.',
      ],
    },
    password_disabled: {
      subject: (tenant) => `Password sign-in to ${tenant} is disabled`,
      paragraphs: (tenant) => [
        `A wrong password was entered for your account at ${tenant} a hundred times in a row. To protect the account, password sign-in is disabled until you reset the password with “Forgot password”.`,
        'None of these attempts signed in, and you stay signed in on your devices. The last attempt:',
      ],
    },
    second_factor_added: {
      subject: (tenant) => `Second factor added to your account at ${tenant}`,
      paragraphs: (tenant) => [
        `Signing in to your account at ${tenant} now requires a second factor: your authenticator app, your passkey or a recovery code. All other devices were signed out.`,
        'If it was not you, reset your password with “Forgot password” and contact an administrator.',
      ],
    },
    second_factor_removed: {
      subject: (tenant) => `Second factor removed from your account at ${tenant}`,
      paragraphs: (tenant) => [
        `An authenticator app or a passkey of your account at ${tenant} is no longer a second factor. All other devices were signed out.`,
        'If it was not you, reset your password with “Forgot password” and add a second factor again.',
      ],
    },
    trusted_device_added: {
      subject: (tenant) => `A browser is now trusted at ${tenant}`,
      paragraphs: (tenant) => [
        `You chose to trust this browser. For 30 days, signing in to your account at ${tenant} from it needs no second factor.`,
        'If this was not you, change your password: no browser is trusted after that. You can also remove trusted browsers in your account.',
      ],
    },
    second_factor_removal_requested: {
      subject: (tenant) => `Your second factors at ${tenant} will be removed`,
      paragraphs: (tenant) => [
        `An administrator asked to remove the second factors of your account at ${tenant}, because you lost them. At the time below they are removed, and all devices are signed out. After that you sign in without a second factor.`,
        'If you did not ask for this, sign in with a second factor or a recovery code before that time. This stops the removal. Also tell an administrator, and change your password.',
      ],
    },
    second_factor_removal_cancelled: {
      subject: (tenant) => `Your second factors at ${tenant} stay`,
      paragraphs: (tenant) => [
        `The second factors of your account at ${tenant} will not be removed. You are still asked for one when you sign in.`,
        'A sign-in with a second factor, or an administrator, stopped the removal. If you lost your second factors, contact an administrator again.',
      ],
    },
    second_factor_disabled: {
      subject: (tenant) => `Too many wrong codes for your account at ${tenant}`,
      paragraphs: (tenant) => [
        `A wrong code was entered for your account at ${tenant} a hundred times in a row, by someone who passed the first step of signing in. Codes are no longer accepted. Contact an administrator to reset them.`,
        'If it was not you, someone knows your password or can read your email. Reset your password with “Forgot password”. The last attempt:',
      ],
    },
    second_factor_code: {
      subject: (tenant) => `Your sign-in code for ${tenant}`,
      paragraphs: (tenant) => [
        `Someone, probably you, is signing in to your account at ${tenant}. Enter this code there. It works once, for this sign-in, for five minutes.`,
        'Do not give this code to anyone. If it was not you, someone knows your password: change it.',
      ],
    },
    recovery_codes_replaced: {
      subject: (tenant) => `New recovery codes for your account at ${tenant}`,
      paragraphs: (tenant) => [
        `New recovery codes were created for your account at ${tenant}. The old ones no longer work.`,
        'If it was not you, reset your password with “Forgot password”.',
      ],
    },
    recovery_code_used: {
      subject: (tenant) => `Recovery code used at ${tenant}`,
      paragraphs: (tenant) => [
        `A recovery code was used instead of an authenticator code for your account at ${tenant}. Each recovery code works once. Create new ones when only a few are left.`,
        'If it was not you, reset your password with “Forgot password” and create new recovery codes.',
      ],
    },
    passkey_added: {
      subject: (tenant) => `Passkey added to your account at ${tenant}`,
      paragraphs: (tenant) => [
        `A passkey was added to your account at ${tenant} from the device below. You can use it to sign in without a password.`,
        'If it was not you, reset your password with “Forgot password”, which signs out all devices. Then sign in and remove the passkey.',
      ],
    },
    passkey_removed: {
      subject: (tenant) => `Passkey removed from your account at ${tenant}`,
      paragraphs: (tenant) => [
        `A passkey was removed from your account at ${tenant} from the device below. It can no longer be used to sign in. All other devices were signed out.`,
        'If it was not you, reset your password with “Forgot password”. That signs out all devices.',
      ],
    },
    identity_linked: {
      subject: (tenant) => `A new way to sign in to your account at ${tenant}`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} was linked to an account at another provider, which signs in to it from now on. It was linked from the device below.`,
        'If this was not you, reset your password with “forgot password”, which signs everyone out, then sign in and remove the link.',
      ],
    },
    identity_unlinked: {
      subject: (tenant) => `A way to sign in was removed from your account at ${tenant}`,
      paragraphs: (tenant) => [
        `An account at another provider no longer signs in to your account at ${tenant}. It was removed from the device below. All other sessions were signed out.`,
        'If this was not you, reset your password with “forgot password”: that signs everyone out.',
      ],
    },
    sessions_revoked: {
      subject: (tenant) => `Devices were signed out of ${tenant}`,
      paragraphs: (tenant) => [
        `One or more devices were signed out of your account at ${tenant}, from the device below.`,
        'If it was not you, someone else is signed in to your account. Reset your password with “Forgot password”. That signs out all devices.',
      ],
    },
    session_ended: {
      subject: (tenant) => `We ended one of your sessions at ${tenant}`,
      paragraphs: (tenant) => [
        `A token of one of your sessions at ${tenant} was used twice. It may have been stolen, so we ended that session. Your other sessions continue.`,
        'Sign in again on the device that was signed out. If you do not recognise the device below, change your password.',
      ],
    },
    session_not_continued: {
      subject: (tenant) => `Please sign in again to ${tenant}`,
      paragraphs: (tenant) => [
        `We ended one of your sessions at ${tenant}, because a device sent a token that had already been replaced. This can happen when a response is lost. Your other sessions continue.`,
        'Sign in again on the device that was signed out. If you do not recognise the device below, change your password.',
      ],
    },
    new_device: {
      subject: (tenant) => `New sign-in to ${tenant}`,
      paragraphs: (tenant) => [
        `We noticed a sign-in to your account at ${tenant} from a new device or country.`,
        'If it was you, you do not need to do anything. If not, reset your password with “Forgot password”. That signs out all devices.',
      ],
    },
    delivery_dead: {
      subject: (tenant) => `Webhook delivery failed for ${tenant}`,
      paragraphs: (tenant) => [
        `An event of ${tenant} could not be delivered to the webhook endpoint below. It will not be retried.`,
        'Later events are still sent. When the endpoint works again, you can replay the events that it missed. You get this email at most once a day for each endpoint.',
      ],
    },
    endpoint_disabled: {
      subject: (tenant) => `Webhook endpoint of ${tenant} disabled`,
      paragraphs: (tenant) => [
        `${tenant} no longer sends events to the webhook endpoint below. The endpoint answered 410 Gone, or every delivery of the last five days failed.`,
        'When it works again, enable it and replay the events that it missed.',
      ],
    },
    api_key_expiring: {
      subject: (tenant) => `An API key of ${tenant} expires soon`,
      paragraphs: () => [
        'The API key below expires soon. From then on, programs that use it are refused.',
        'Create a new key and replace the old one before it expires.',
      ],
    },
  },
  linkAsText: 'Or copy this address into your browser:',
  code: 'Enter this code where you requested it, and do not share it with anyone:',
  facts: {
    time: 'Time',
    device: 'Device',
    place: 'Location',
    account: 'Account',
    until: 'Link expires',
    due: 'Removal on',
    endpoint: 'Endpoint',
    api_key: 'API key',
    api_key_ends: 'Expires',
  },
  reason: (tenant) => `You receive this email because you have an account at ${tenant}.`,
  reasonUnproved: (tenant) => `You receive this email because this email address was entered at ${tenant}.`,
  howToStop: 'To stop these emails, set operational_mail to false with PATCH /v1/me.',
}
