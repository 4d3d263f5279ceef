/** English. */
import type { Texts } from './texts.ts'

export const en: Texts = {
  greeting: (name) => (name === null ? 'Hello,' : `Hello ${name},`),
  mails: {
    verify_email: {
      subject: (tenant) => `Confirm your address for ${tenant}`,
      paragraphs: (tenant) => [
        `Somebody, probably you, gave this address at ${tenant}. Please confirm that it is yours.`,
        'If it was not you, there is nothing to do: the address then stays unconfirmed.',
      ],
      action: 'Confirm the address',
    },
    registered_again: {
      subject: (tenant) => `You already have an account at ${tenant}`,
      paragraphs: (tenant) => [
        `Somebody, probably you, wanted to register at ${tenant} with this address. It has an account already, and nothing about that has changed.`,
        'Sign in as always. If you have forgotten your password, reset it there with “forgot password”. If it was not you, there is nothing to do.',
      ],
    },
    reset_password: {
      subject: (tenant) => `Set a new password at ${tenant}`,
      paragraphs: (tenant) => [
        `Somebody, probably you, asked to set a new password for your account at ${tenant}. The link works once; with the new password, all your sessions end.`,
        'If you did not ask, nothing has changed: ignore this mail, and your password stays.',
      ],
      action: 'Set a new password',
    },
    approve_email_change: {
      subject: (tenant) => `Is your address at ${tenant} to change?`,
      paragraphs: (tenant) => [
        `Somebody who is signed in to your account at ${tenant} asked to give it another e-mail address, from the device below. It changes once both addresses have confirmed; this is the link of the present one.`,
        'If it was not you, do not press it, and change your password: somebody else is signed in to your account.',
      ],
      action: 'Confirm the change',
    },
    confirm_new_email: {
      subject: (tenant) => `Confirm your new address for ${tenant}`,
      paragraphs: (tenant) => [
        `The account at ${tenant} that is named below is to have this e-mail address. It changes once both addresses have confirmed; this is the link of the new one.`,
        'If you know nothing of it, ignore this mail: without you nothing changes.',
      ],
      action: 'Confirm the address',
    },
    email_changed: {
      subject: (tenant) => `Your address at ${tenant} was changed`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} has another e-mail address now; both addresses confirmed it. What we write about the account no longer comes here.`,
        'If it was not you, undo it: the account has this address again, everybody is signed out, and its password no longer works.',
      ],
      action: 'Undo the change',
    },
    email_reverted: {
      subject: (tenant) => `Your account at ${tenant} has this address again`,
      paragraphs: (tenant) => [
        `The change of address of your account at ${tenant} was undone.`,
        'Everybody was signed out, and the password no longer works. Set a new one with “forgot password”, then sign in.',
      ],
    },
    sign_in: {
      subject: (tenant) => `Your sign-in to ${tenant}`,
      paragraphs: (tenant) => [
        `Somebody, probably you, asked to sign in to your account at ${tenant}. The link works once, and only in the browser that asked.`,
        'If you did not ask, ignore this mail: without it nobody gets in.',
      ],
      action: 'Sign in',
    },
    account_closed: {
      subject: (tenant) => `Your account at ${tenant} was closed`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} was closed: nobody can sign in to it any more, and what it holds about you will be erased.`,
        'Until the time below you can take that back. The account then has no password; you set a new one with “forgot password”.',
      ],
      action: 'Restore the account',
    },
    account_restored: {
      subject: (tenant) => `Your account at ${tenant} is open again`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} had been closed and is open again.`,
        'It has no password. Set one with “forgot password”, then sign in.',
      ],
    },
    invitation: {
      subject: (tenant) => `You are invited to ${tenant}`,
      paragraphs: (tenant) => [
        `An administrator of ${tenant} invites you to have an account there with this address.`,
        'If you know nothing of it, ignore this mail: without you nothing happens.',
      ],
      action: 'Accept the invitation',
    },
    password_changed: {
      subject: (tenant) => `Your password at ${tenant} was changed`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} has a new password.`,
        'If it was not you, reset it at once with “forgot password”: that signs everybody out.',
      ],
    },
    password_disabled: {
      subject: (tenant) => `Your password at ${tenant} was switched off`,
      paragraphs: (tenant) => [
        `Somebody entered a wrong password for your account at ${tenant} a hundred times in a row. So that nobody can go on guessing, the password is no way in until you have reset it with “forgot password”.`,
        'Nobody signed in with these attempts, and your sessions go on. The last attempt:',
      ],
    },
    second_factor_added: {
      subject: (tenant) => `An authenticator app was added to your account at ${tenant}`,
      paragraphs: (tenant) => [
        `From now on, signing in to your account at ${tenant} needs a code from an authenticator app. All other sessions of the account were ended.`,
        'If this was not you, reset your password with “forgot password” and contact an administrator.',
      ],
    },
    second_factor_removed: {
      subject: (tenant) => `Your authenticator app was removed at ${tenant}`,
      paragraphs: (tenant) => [
        `Signing in to your account at ${tenant} no longer needs a code from your authenticator app. All other sessions of the account were ended.`,
        'If this was not you, reset your password with “forgot password” and add an authenticator app again.',
      ],
    },
    second_factor_disabled: {
      subject: (tenant) => `Too many wrong codes for your account at ${tenant}`,
      paragraphs: (tenant) => [
        `A hundred wrong codes in a row were entered for your account at ${tenant} by someone who passed the first step of signing in. Codes are not accepted any more; an administrator has to reset them.`,
        'If this was not you, someone knows your password or reads your mail. Reset your password with “forgot password”. The last attempt:',
      ],
    },
    recovery_codes_replaced: {
      subject: (tenant) => `New recovery codes for your account at ${tenant}`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} has new recovery codes. The old ones no longer work.`,
        'If this was not you, reset your password with “forgot password”.',
      ],
    },
    recovery_code_used: {
      subject: (tenant) => `A recovery code was used at ${tenant}`,
      paragraphs: (tenant) => [
        `A recovery code stood in for the second factor of your account at ${tenant}. Each code works once. Make new ones when only a few are left.`,
        'If this was not you, reset your password with “forgot password” and make new recovery codes.',
      ],
    },
    passkey_added: {
      subject: (tenant) => `A passkey was added to your account at ${tenant}`,
      paragraphs: (tenant) => [
        `Your account at ${tenant} has a new passkey, which signs in to it without a password. It was added from the device below.`,
        'If it was not you, reset your password with “forgot password”, which signs everyone out, then sign in and remove the passkey.',
      ],
    },
    passkey_removed: {
      subject: (tenant) => `A passkey was removed from your account at ${tenant}`,
      paragraphs: (tenant) => [
        `A passkey of your account at ${tenant} was removed from the device below, and no longer signs in. All other sessions were signed out.`,
        'If it was not you, reset your password with “forgot password”: that signs everyone out.',
      ],
    },
    sessions_revoked: {
      subject: (tenant) => `Sessions of yours at ${tenant} were ended`,
      paragraphs: (tenant) => [
        `From the device below, one or more sessions of your account at ${tenant} were ended: whoever used them has to sign in again.`,
        'If it was not you, somebody else is signed in to your account. Reset your password with “forgot password”: that signs everybody out.',
      ],
    },
    session_ended: {
      subject: (tenant) => `We ended one of your sessions at ${tenant}`,
      paragraphs: (tenant) => [
        `A sign-in to your account at ${tenant} was used a second time in a way that only a copy of it can be. Somebody may have copied it, so we ended that session. Your other sessions go on.`,
        'Sign in again where you were signed out. If you do not recognise the device below, change your password.',
      ],
    },
    session_not_continued: {
      subject: (tenant) => `Please sign in again at ${tenant}`,
      paragraphs: (tenant) => [
        `One of your sessions at ${tenant} could not go on: a device asked to continue it with a token that had already been replaced. That happens when an answer is lost on the way to it. To be safe we ended that session. Your other sessions go on.`,
        'Sign in again where you were signed out. If you do not recognise the device below, change your password.',
      ],
    },
    new_device: {
      subject: (tenant) => `A new device at your account at ${tenant}`,
      paragraphs: (tenant) => [
        `Somebody signed in to your account at ${tenant} with a device, or in a country, that it was not used with before.`,
        'If it was you, there is nothing to do. If not, reset your password with “forgot password”: that signs everybody out.',
      ],
    },
    delivery_dead: {
      subject: (tenant) => `A webhook of ${tenant} does not answer`,
      paragraphs: (tenant) => [
        `An event of ${tenant} could not be delivered to the webhook endpoint below, and there will be no further attempt.`,
        'Later events are still sent to it. Once it answers again, what it missed can be replayed. You get this mail once a day at most for each endpoint.',
      ],
    },
    endpoint_disabled: {
      subject: (tenant) => `A webhook of ${tenant} was switched off`,
      paragraphs: (tenant) => [
        `${tenant} sends nothing to the webhook endpoint below any longer: it answered 410 Gone, which says that it is there no more, or every attempt of the last five days failed.`,
        'Once it works again, enable it and replay what it missed.',
      ],
    },
  },
  linkAsText: 'Or open this address:',
  code: 'Enter this code where you asked for it, and tell it nobody:',
  facts: {
    time: 'Time',
    device: 'Device',
    place: 'Place',
    account: 'Account',
    until: 'The link works until',
    endpoint: 'Endpoint',
  },
  reason: (tenant) => `You get this mail because of your account at ${tenant}.`,
  reasonUnproved: (tenant) => `You get this mail because somebody gave this address at ${tenant}.`,
  howToStop: 'You can turn this kind of mail off: PATCH /v1/me with operational_mail set to false.',
}
