/** English. */
import type { Texts } from './texts.ts'

export const en: Texts = {
  pages: {
    verify_email: {
      heading: 'Confirm your e-mail address',
      lead: 'Press the button to confirm that this address is yours. Everything stays as you set it up.',
      button: 'Confirm address',
      done: {
        heading: 'Your address is confirmed',
        next: 'You can close this page and sign in.',
      },
    },
    reset_password: {
      heading: 'Choose a new password',
      lead: 'This signs you out everywhere, and your old password no longer works.',
      button: 'Set password',
      done: {
        heading: 'Your password is set',
        next: 'You can close this page and sign in with the new password.',
      },
    },
    change_email: {
      heading: 'Confirm the change of your e-mail address',
      lead: 'The address of your account changes once it has been confirmed from the old address and from the new one. If you did not ask for this, close this page.',
      button: 'Confirm change',
      done: {
        heading: 'Your e-mail address is changed',
        next: 'Both addresses have confirmed. Sign in with the new one from now on.',
      },
    },
    revert_email: {
      heading: 'Take your e-mail address back',
      lead: 'Your account gets this address again. Everybody is signed out, and the password is removed.',
      button: 'Undo the change',
      done: {
        heading: 'Your account has its old address again',
        next: 'Set a new password with “Forgot password”, then sign in.',
      },
    },
    sign_in: {
      heading: 'Sign in',
      lead: 'This works only in the browser in which you asked for the link.',
      button: 'Sign in',
      done: { heading: 'You are signed in', next: 'You can close this page and go back to where you were.' },
    },
    restore_account: {
      heading: 'Restore your account',
      lead: 'Your closed account is opened again. Its password is gone, so that you need a new one.',
      button: 'Restore account',
      done: {
        heading: 'Your account is open again',
        next: 'Set a new password with “Forgot password”, then sign in.',
      },
    },
    accept_invitation: {
      heading: 'Accept the invitation',
      lead: 'Choose a password for your account. If you already have an account with this address, this becomes its password, and it is signed out everywhere.',
      button: 'Accept',
      done: { heading: 'Welcome', next: 'Your account is ready. You can close this page and sign in.' },
    },
    forgot_password: {
      heading: 'Change your password',
      lead: 'Enter the e-mail address of your account. We will send you a link that sets a new password.',
      button: 'Send link',
      done: {
        heading: 'Look into your mailbox',
        next: 'If there is an account with this address, a link is on its way to it.',
      },
    },
    resend_verification: {
      heading: 'Confirm your e-mail address',
      lead: 'Enter the e-mail address that you registered with. We will send you a new link.',
      button: 'Send a new link',
      done: {
        heading: 'Look into your mailbox',
        next: 'If this address is waiting to be confirmed, a new link is on its way to it.',
      },
    },
    request_sign_in: {
      heading: 'Sign in by e-mail',
      lead: 'Enter the e-mail address of your account. We will send you a link that signs you in, in this browser.',
      button: 'Send a new link',
      done: {
        heading: 'Look into your mailbox',
        next: 'If there is an account with this address, a link is on its way to it. Open it in this browser within ten minutes.',
      },
    },
  },
  secondStep: {
    heading: 'Enter your code',
    lead: 'Enter the code from your authenticator app, or one of your recovery codes.',
    button: 'Continue',
    enrol: 'Your account needs an authenticator app. Sign in in the app or on the website to add one.',
  },
  proofs: {
    known: { lead: 'Enter the password that you chose when you registered.', button: 'Confirm address' },
    chosen: {
      heading: 'Do you not know it, or did someone else register?',
      lead: 'Choose a new password. The old one, and whatever was set up with it, is removed.',
      button: 'Set password and confirm',
    },
  },
  isOver: 'This link no longer works',
  wayOn: {
    verify_email: 'If you have confirmed your address already, sign in. Else we can send you a new link.',
    reset_password:
      'If you have set a new password already, sign in with it. Else we can send you a new link.',
    sign_in: 'We can send you a new link; open it in this browser.',
    change_email: 'If the change is not done yet, start it again in the settings of your account.',
    restore_account:
      'If your account is open again, it needs a new password: we can send you a link. If you waited for too long, it is gone.',
    revert_email:
      'If the change is undone already, your account needs a new password: we can send you a link to the old address.',
    accept_invitation:
      'If you have accepted already, sign in, or let us send you a link for a new password. Else ask the person who invited you for another invitation.',
  },
  instead: {
    without_password: {
      heading: 'Your address is confirmed',
      next: 'Your account has no password now. Set one with “Forgot password”, then sign in.',
    },
    waiting: {
      heading: 'Confirmed',
      next: 'The other address has to confirm as well: open the link in the mail that was sent there.',
    },
  },
  refused: 'That did not work',
  goBack: 'Go back to the form to try again.',
  mishaps: {
    invalid_one_time_token: 'It was used, it is too old, or there is a newer one.',
    invalid_sign_in_link:
      'A sign-in link works once, and only in the browser in which you asked for it. The code in the same mail works anywhere.',
    invalid_credentials: 'The password is wrong.',
    missing: 'Enter a password.',
    password_compromised: 'This password is too easy to guess. Choose another.',
    too_short: 'The password is too short.',
    too_long: 'The password is too long.',
    invalid_input: 'Some of what you entered is not valid.',
    email_taken: 'There is another account with this e-mail address.',
    rate_limited: 'Too many attempts. Wait a while.',
    invalid_code: 'The code is wrong or was used.',
    invalid_mfa_token: 'This sign-in has expired. Sign in again.',
    second_factor_disabled: 'Too many wrong codes. Ask an administrator.',
    second_factor_required: 'Your account needs an authenticator app. Ask an administrator.',
    origin_not_allowed: 'Open the link from your mail once more and use the form there.',
    other: 'Something went wrong. Wait a moment.',
  },
  fields: {
    email: 'E-mail address',
    optionalName: 'Your name (optional)',
    currentPassword: 'Your password',
    newPassword: 'New password',
    code: 'Code',
  },
}
