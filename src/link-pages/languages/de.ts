/** German. */
import type { Texts } from './texts.ts'

export const de: Texts = {
  pages: {
    verify_email: {
      heading: 'E-Mail-Adresse bestätigen',
      lead: 'Bestätigen Sie, dass diese Adresse Ihnen gehört. Alles bleibt, wie Sie es eingerichtet haben.',
      button: 'Adresse bestätigen',
      done: {
        heading: 'Ihre Adresse ist bestätigt',
        next: 'Sie können diese Seite schließen und sich anmelden.',
      },
    },
    reset_password: {
      heading: 'Neues Passwort wählen',
      lead: 'Damit werden Sie überall abgemeldet, und Ihr altes Passwort gilt nicht mehr.',
      button: 'Passwort setzen',
      done: {
        heading: 'Ihr Passwort ist gesetzt',
        next: 'Sie können diese Seite schließen und sich mit dem neuen Passwort anmelden.',
      },
    },
    change_email: {
      heading: 'Änderung der E-Mail-Adresse bestätigen',
      lead: 'Die Adresse Ihres Kontos ändert sich, sobald die alte und die neue Adresse zugestimmt haben. Wenn Sie das nicht veranlasst haben, schließen Sie diese Seite.',
      button: 'Änderung bestätigen',
      done: {
        heading: 'Ihre E-Mail-Adresse ist geändert',
        next: 'Beide Adressen haben zugestimmt. Melden Sie sich ab jetzt mit der neuen an.',
      },
    },
    revert_email: {
      heading: 'E-Mail-Adresse zurückholen',
      lead: 'Ihr Konto erhält diese Adresse wieder. Alle werden abgemeldet, und das Passwort wird entfernt.',
      button: 'Änderung rückgängig machen',
      done: {
        heading: 'Ihr Konto hat wieder die alte Adresse',
        next: 'Setzen Sie mit „Passwort vergessen“ ein neues Passwort und melden Sie sich an.',
      },
    },
    sign_in: {
      heading: 'Anmelden',
      lead: 'Das geht nur in dem Browser, in dem Sie den Link angefordert haben.',
      button: 'Anmelden',
      done: {
        heading: 'Sie sind angemeldet',
        next: 'Sie können diese Seite schließen und dort weitermachen, wo Sie waren.',
      },
    },
    restore_account: {
      heading: 'Konto wiederherstellen',
      lead: 'Ihr geschlossenes Konto wird wieder geöffnet. Sein Passwort gibt es nicht mehr, Sie brauchen also ein neues.',
      button: 'Konto wiederherstellen',
      done: {
        heading: 'Ihr Konto ist wieder offen',
        next: 'Setzen Sie mit „Passwort vergessen“ ein neues Passwort und melden Sie sich an.',
      },
    },
    accept_invitation: {
      heading: 'Einladung annehmen',
      lead: 'Wählen Sie ein Passwort für Ihr Konto. Wenn Sie mit dieser Adresse schon ein Konto haben, wird es dessen Passwort, und das Konto wird überall abgemeldet.',
      button: 'Annehmen',
      done: {
        heading: 'Willkommen',
        next: 'Ihr Konto ist bereit. Sie können diese Seite schließen und sich anmelden.',
      },
    },
    forgot_password: {
      heading: 'Passwort ändern',
      lead: 'Geben Sie die E-Mail-Adresse Ihres Kontos ein. Wir senden Ihnen einen Link, mit dem Sie ein neues Passwort setzen.',
      button: 'Link senden',
      done: {
        heading: 'Sehen Sie in Ihr Postfach',
        next: 'Wenn es zu dieser Adresse ein Konto gibt, ist ein Link dorthin unterwegs.',
      },
    },
    resend_verification: {
      heading: 'E-Mail-Adresse bestätigen',
      lead: 'Geben Sie die E-Mail-Adresse ein, mit der Sie sich registriert haben. Wir senden Ihnen einen neuen Link.',
      button: 'Neuen Link senden',
      done: {
        heading: 'Sehen Sie in Ihr Postfach',
        next: 'Wenn diese Adresse noch zu bestätigen ist, ist ein neuer Link dorthin unterwegs.',
      },
    },
    request_sign_in: {
      heading: 'Per E-Mail anmelden',
      lead: 'Geben Sie die E-Mail-Adresse Ihres Kontos ein. Wir senden Ihnen einen Link, der Sie in diesem Browser anmeldet.',
      button: 'Neuen Link senden',
      done: {
        heading: 'Sehen Sie in Ihr Postfach',
        next: 'Wenn es zu dieser Adresse ein Konto gibt, ist ein Link dorthin unterwegs. Öffnen Sie ihn innerhalb von zehn Minuten in diesem Browser.',
      },
    },
  },
  secondStep: {
    heading: 'Geben Sie Ihren Code ein',
    lead: 'Geben Sie den Code aus Ihrer Authenticator-App oder einen Ihrer Wiederherstellungscodes ein.',
    button: 'Weiter',
    enrol:
      'Ihr Konto braucht eine Authenticator-App. Melden Sie sich in der App oder auf der Website an, um eine hinzuzufügen.',
  },
  proofs: {
    known: {
      lead: 'Geben Sie das Passwort ein, das Sie bei der Registrierung gewählt haben.',
      button: 'Adresse bestätigen',
    },
    chosen: {
      heading: 'Sie kennen es nicht, oder jemand anderes hat sich registriert?',
      lead: 'Wählen Sie ein neues Passwort. Das alte und alles, was damit eingerichtet wurde, wird entfernt.',
      button: 'Passwort setzen und bestätigen',
    },
  },
  isOver: 'Dieser Link gilt nicht mehr',
  wayOn: {
    verify_email:
      'Wenn Sie Ihre Adresse schon bestätigt haben, melden Sie sich an. Sonst senden wir Ihnen einen neuen Link.',
    reset_password:
      'Wenn Sie schon ein neues Passwort gesetzt haben, melden Sie sich damit an. Sonst senden wir Ihnen einen neuen Link.',
    sign_in: 'Wir senden Ihnen einen neuen Link; öffnen Sie ihn in diesem Browser.',
    change_email:
      'Wenn die Adresse noch nicht geändert ist, beginnen Sie in den Einstellungen Ihres Kontos von vorn.',
    restore_account:
      'Wenn Ihr Konto wieder offen ist, braucht es ein neues Passwort: Wir senden Ihnen einen Link. Nach Ablauf der Frist ist es gelöscht.',
    revert_email:
      'Wenn die Änderung schon rückgängig gemacht ist, braucht Ihr Konto ein neues Passwort: Wir senden Ihnen einen Link an die alte Adresse.',
    accept_invitation:
      'Wenn Sie schon angenommen haben, melden Sie sich an, oder setzen Sie über einen neuen Link ein Passwort. Sonst bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung.',
  },
  instead: {
    without_password: {
      heading: 'Ihre Adresse ist bestätigt',
      next: 'Ihr Konto hat jetzt kein Passwort. Setzen Sie eines mit „Passwort vergessen“ und melden Sie sich an.',
    },
    waiting: {
      heading: 'Bestätigt',
      next: 'Auch die andere Adresse muss zustimmen: Öffnen Sie den Link in der Nachricht, die dorthin ging.',
    },
  },
  refused: 'Das hat nicht geklappt',
  goBack: 'Gehen Sie zurück zum Formular, um es noch einmal zu versuchen.',
  mishaps: {
    invalid_one_time_token: 'Er wurde schon benutzt, ist zu alt, oder es gibt einen neueren.',
    invalid_sign_in_link:
      'Ein Anmeldelink gilt einmal und nur in dem Browser, in dem Sie ihn angefordert haben. Der Code in derselben Nachricht gilt überall.',
    invalid_credentials: 'Das Passwort ist falsch.',
    missing: 'Geben Sie ein Passwort ein.',
    password_compromised: 'Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein anderes.',
    too_short: 'Das Passwort ist zu kurz.',
    too_long: 'Das Passwort ist zu lang.',
    invalid_input: 'Etwas an Ihren Angaben stimmt nicht.',
    email_taken: 'Zu dieser E-Mail-Adresse gibt es ein anderes Konto.',
    rate_limited: 'Zu viele Versuche. Warten Sie eine Weile.',
    invalid_code: 'Der Code ist falsch oder wurde schon benutzt.',
    invalid_mfa_token: 'Diese Anmeldung ist abgelaufen. Melden Sie sich neu an.',
    second_factor_disabled: 'Zu viele falsche Codes. Wenden Sie sich an einen Administrator.',
    second_factor_required:
      'Ihr Konto braucht eine Authenticator-App. Wenden Sie sich an einen Administrator.',
    origin_not_allowed:
      'Öffnen Sie den Link aus Ihrer Nachricht noch einmal und verwenden Sie das Formular dort.',
    other: 'Etwas ist schiefgegangen. Warten Sie einen Moment.',
  },
  fields: {
    email: 'E-Mail-Adresse',
    optionalName: 'Ihr Name (optional)',
    currentPassword: 'Ihr Passwort',
    newPassword: 'Neues Passwort',
    code: 'Code',
  },
}
