/** German. */
import type { Texts } from './texts.ts'

export const de: Texts = {
  pages: {
    verify_email: {
      heading: 'E-Mail-Adresse bestätigen',
      lead: 'Bestätigen Sie, dass diese E-Mail-Adresse Ihnen gehört.',
      button: 'E-Mail-Adresse bestätigen',
      done: {
        heading: 'E-Mail-Adresse bestätigt',
        next: 'Sie können diese Seite schließen und sich anmelden.',
      },
    },
    reset_password: {
      heading: 'Neues Passwort wählen',
      lead: 'Mit dem neuen Passwort werden Sie auf allen Geräten abgemeldet.',
      button: 'Passwort setzen',
      done: {
        heading: 'Passwort geändert',
        next: 'Sie können diese Seite schließen und sich mit dem neuen Passwort anmelden.',
      },
    },
    change_email: {
      heading: 'Neue E-Mail-Adresse bestätigen',
      lead: 'Die E-Mail-Adresse Ihres Kontos ändert sich, wenn die alte und die neue Adresse bestätigt haben. Wenn Sie das nicht angefordert haben, schließen Sie diese Seite.',
      button: 'Änderung bestätigen',
      done: {
        heading: 'E-Mail-Adresse geändert',
        next: 'Beide Adressen haben bestätigt. Melden Sie sich ab jetzt mit der neuen an.',
      },
    },
    revert_email: {
      heading: 'Änderung der E-Mail-Adresse rückgängig machen',
      lead: 'Ihr Konto erhält diese E-Mail-Adresse zurück. Alle Geräte werden abgemeldet, und das Passwort wird entfernt.',
      button: 'Änderung rückgängig machen',
      done: {
        heading: 'Änderung rückgängig gemacht',
        next: 'Setzen Sie mit „Passwort vergessen“ ein neues Passwort und melden Sie sich an.',
      },
    },
    sign_in: {
      heading: 'Anmelden',
      lead: 'Der Link gilt nur in dem Browser, in dem Sie ihn angefordert haben.',
      button: 'Anmelden',
      done: {
        heading: 'Sie sind angemeldet',
        next: 'Sie können diese Seite schließen.',
      },
    },
    restore_account: {
      heading: 'Konto wiederherstellen',
      lead: 'Damit stellen Sie Ihr geschlossenes Konto wieder her. Es hat danach kein Passwort; Sie müssen ein neues setzen.',
      button: 'Konto wiederherstellen',
      done: {
        heading: 'Konto wiederhergestellt',
        next: 'Setzen Sie mit „Passwort vergessen“ ein neues Passwort und melden Sie sich an.',
      },
    },
    accept_invitation: {
      heading: 'Einladung annehmen',
      lead: 'Wählen Sie ein Passwort für Ihr Konto. Wenn Sie mit dieser E-Mail-Adresse schon ein Konto haben, wird es dessen neues Passwort, und alle Geräte werden abgemeldet.',
      button: 'Einladung annehmen',
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
        heading: 'Prüfen Sie Ihre E-Mails',
        next: 'Wenn es zu dieser E-Mail-Adresse ein Konto gibt, haben wir einen Link dorthin gesendet.',
      },
    },
    resend_verification: {
      heading: 'E-Mail-Adresse bestätigen',
      lead: 'Geben Sie die E-Mail-Adresse ein, mit der Sie sich registriert haben. Wir senden Ihnen einen neuen Link.',
      button: 'Neuen Link senden',
      done: {
        heading: 'Prüfen Sie Ihre E-Mails',
        next: 'Wenn diese E-Mail-Adresse noch bestätigt werden muss, haben wir einen neuen Link dorthin gesendet.',
      },
    },
    request_sign_in: {
      heading: 'Per E-Mail anmelden',
      lead: 'Geben Sie die E-Mail-Adresse Ihres Kontos ein. Wir senden Ihnen einen Link, der Sie in diesem Browser anmeldet.',
      button: 'Neuen Link senden',
      done: {
        heading: 'Prüfen Sie Ihre E-Mails',
        next: 'Wenn es zu dieser E-Mail-Adresse ein Konto gibt, haben wir einen Link dorthin gesendet. Öffnen Sie ihn innerhalb von zehn Minuten in diesem Browser.',
      },
    },
  },
  secondStep: {
    heading: 'Geben Sie Ihren Code ein',
    lead: 'Geben Sie den Code aus Ihrer Authenticator-App oder einen Ihrer Wiederherstellungscodes ein.',
    button: 'Weiter',
  },
  proofs: {
    known: {
      lead: 'Geben Sie das Passwort ein, das Sie bei der Registrierung gewählt haben.',
      button: 'E-Mail-Adresse bestätigen',
    },
    chosen: {
      heading: 'Passwort vergessen, oder jemand anderes hat sich registriert?',
      lead: 'Wählen Sie ein neues Passwort. Das alte Passwort und alles, was damit eingerichtet wurde, wird entfernt.',
      button: 'Passwort setzen und bestätigen',
    },
  },
  isOver: 'Dieser Link gilt nicht mehr',
  wayOn: {
    verify_email:
      'Wenn Sie Ihre E-Mail-Adresse schon bestätigt haben, melden Sie sich an. Sonst können wir Ihnen einen neuen Link senden.',
    reset_password:
      'Wenn Sie schon ein neues Passwort gesetzt haben, melden Sie sich damit an. Sonst können wir Ihnen einen neuen Link senden.',
    sign_in: 'Wir können Ihnen einen neuen Link senden. Öffnen Sie ihn in diesem Browser.',
    change_email:
      'Wenn Ihre E-Mail-Adresse noch nicht geändert ist, starten Sie die Änderung in Ihren Kontoeinstellungen neu.',
    restore_account:
      'Wenn Ihr Konto wiederhergestellt wurde, braucht es ein neues Passwort. Wir können Ihnen einen Link senden. Nach Ablauf der Frist ist das Konto gelöscht.',
    revert_email:
      'Wenn die Änderung schon rückgängig gemacht wurde, braucht Ihr Konto ein neues Passwort. Wir können einen Link an die alte Adresse senden.',
    accept_invitation:
      'Wenn Sie schon angenommen haben, melden Sie sich an oder fordern Sie einen Link für ein neues Passwort an. Sonst bitten Sie die Person, die Sie eingeladen hat, um eine neue Einladung.',
  },
  instead: {
    without_password: {
      heading: 'E-Mail-Adresse bestätigt',
      next: 'Ihr Konto hat jetzt kein Passwort. Setzen Sie eines mit „Passwort vergessen“ und melden Sie sich an.',
    },
    waiting: {
      heading: 'Bestätigt',
      next: 'Auch die andere Adresse muss bestätigen. Öffnen Sie den Link in der E-Mail, die wir dorthin gesendet haben.',
    },
  },
  refused: 'Das hat nicht funktioniert',
  goBack: 'Gehen Sie zurück zum Formular und versuchen Sie es noch einmal.',
  on: {
    sign_in: 'Anmelden',
    forgot_password: 'Neues Passwort setzen',
    request_sign_in: 'Mit E-Mail anmelden',
    account: 'Ihr Konto',
    account_email: 'E-Mail-Adresse ändern',
    again: 'Seite noch einmal öffnen',
  },
  mishaps: {
    invalid_one_time_token:
      'Der Link wurde schon verwendet, ist abgelaufen oder wurde durch einen neueren ersetzt.',
    invalid_sign_in_link:
      'Ein Anmeldelink gilt einmal und nur in dem Browser, in dem Sie ihn angefordert haben. Der Code in derselben E-Mail gilt überall.',
    invalid_credentials: 'Das Passwort ist falsch.',
    missing: 'Geben Sie ein Passwort ein.',
    password_disabled:
      'Die Anmeldung mit Passwort ist nach zu vielen falschen Passwörtern abgeschaltet. Setzen Sie mit „Passwort vergessen?“ ein neues.',
    password_compromised: 'Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein anderes.',
    too_short: 'Das Passwort ist zu kurz.',
    too_long: 'Das Passwort ist zu lang.',
    invalid_input: 'Einige Angaben sind ungültig.',
    email_taken: 'Ein anderes Konto verwendet diese E-Mail-Adresse schon.',
    rate_limited: 'Zu viele Versuche. Versuchen Sie es später noch einmal.',
    invalid_code: 'Der Code ist falsch oder wurde schon verwendet.',
    invalid_mfa_token: 'Diese Anmeldung ist abgelaufen. Melden Sie sich neu an.',
    invalid_oauth_state:
      'Diese Anmeldung ist abgelaufen oder wurde in einem anderen Browser begonnen. Melden Sie sich noch einmal an.',
    invalid_passkey: 'Der Passkey konnte nicht geprüft werden. Versuchen Sie es noch einmal.',
    second_factor_disabled: 'Zu viele falsche Codes. Wenden Sie sich an einen Administrator.',
    second_factor_required:
      'Ihr Konto braucht eine Authenticator-App. Wenden Sie sich an einen Administrator.',
    origin_not_allowed:
      'Öffnen Sie den Link in Ihrer E-Mail noch einmal und verwenden Sie das Formular dort.',
    form_expired: 'Diese Seite war zu lange offen. Versuchen Sie es noch einmal.',
    last_way_in: 'Nur damit können Sie sich bei Ihrem Konto anmelden. Fügen Sie erst etwas anderes hinzu.',
    email_not_verified: 'Bestätigen Sie zuerst Ihre E-Mail-Adresse.',
    not_found: 'Das gibt es nicht mehr.',
    last_administrator: 'Sie sind der letzte Administrator. Machen Sie zuerst ein anderes Konto dazu.',
    passkey_is_second_factor: 'Dieser Passkey ist ein zweiter Faktor. Entfernen Sie ihn zuerst als solchen.',
    passkey_exists: 'Dieser Passkey ist schon hinzugefügt.',
    too_many_passkeys: 'Sie haben so viele Passkeys, wie ein Konto haben darf. Entfernen Sie erst einen.',
    second_factors_off: 'Die Bestätigung in zwei Schritten gibt es hier nicht.',
    unknown_host:
      'Unter dieser Adresse gibt es nichts. Prüfen Sie sie, oder fragen Sie, wer sie Ihnen gegeben hat.',
    bad_return:
      'Die Seite, von der Sie kommen, verlangt etwas, das nicht erlaubt ist. Gehen Sie zu ihr zurück, und sagen Sie es dem, der sie betreibt.',
    posted_elsewhere:
      'Dieses Formular kam nicht von dieser Website. Öffnen Sie die Seite noch einmal und füllen Sie es dort aus.',
    too_many_api_keys: 'Sie haben so viele Schlüssel, wie ein Konto haben darf. Widerrufen Sie erst einen.',
    no_scope: 'Wählen Sie, was der Schlüssel darf.',
    insufficient_role: 'Das dürfen Sie nicht. Fragen Sie einen Administrator.',
    turnstile_failed:
      'Wir konnten nicht prüfen, dass Sie ein Mensch sind. Warten Sie, bis die Prüfung fertig ist, und versuchen Sie es noch einmal.',
    no_second_factor: 'Ihr Konto hat keinen solchen zweiten Schritt. Wählen Sie einen anderen Weg.',
    trusted_devices_off: 'Diesem Browser kann hier nicht vertraut werden. Fahren Sie ohne das fort.',
    account_closed: 'Das Konto ist geschlossen. Stellen Sie es zuerst wieder her.',
    account_disabled: 'Das Konto ist gesperrt. Entsperren Sie es zuerst.',
    account_not_verified: 'Die E-Mail-Adresse des Kontos ist nicht bestätigt. Bestätigen Sie sie zuerst.',
    own_account: 'Mit Ihrem eigenen Konto können Sie das nicht tun.',
    webhook_disabled: 'Dieser Webhook ist abgeschaltet. Schalten Sie ihn zuerst ein.',
    webhook_target_refused: 'Die Adresse dieses Webhooks ist von hier nicht erreichbar.',
    too_many_roles: 'Das Konto hat so viele Rollen, wie es haben darf.',
    other: 'Ein Fehler ist aufgetreten. Versuchen Sie es gleich noch einmal.',
  },
  fieldMishaps: {
    missing: 'Füllen Sie dieses Feld aus.',
    invalid: 'Diese Angabe ist ungültig.',
    invalid_email: 'Geben Sie eine E-Mail-Adresse wie name@example.com ein.',
    invalid_code: 'Der Code ist falsch oder wurde schon verwendet.',
    invalid_characters: 'Darin sind Zeichen, die nicht erlaubt sind.',
    password_compromised: 'Dieses Passwort ist zu leicht zu erraten. Wählen Sie ein anderes.',
    too_short: 'Das ist zu kurz.',
    too_long: 'Das ist zu lang.',
    too_large: 'Das Bild ist zu groß: höchstens 24 KB.',
    payload_too_large: 'Das Bild ist zu groß: höchstens 24 KB.',
    not_an_image:
      'Das ist kein PNG, JPEG, WebP oder GIF. SVG wird nicht angenommen, weil es Skripte enthalten kann.',
    unchanged: 'Das ist schon Ihre E-Mail-Adresse.',
    email_taken: 'Mit dieser E-Mail-Adresse gibt es schon ein Konto. Melden Sie sich an.',
  },
  fields: {
    email: 'E-Mail-Adresse',
    optionalName: 'Name (optional)',
    password: 'Passwort',
    currentPassword: 'Passwort',
    presentPassword: 'Bisheriges Passwort',
    newPassword: 'Neues Passwort',
    newEmail: 'Neue E-Mail-Adresse',
    name: 'Name',
    code: 'Code',
  },
  language: 'Deutsch',
  needsScript:
    'Dieses Formular braucht JavaScript, um zu prüfen, dass Sie ein Mensch sind. Schalten Sie es ein und öffnen Sie die Seite noch einmal.',
  password: {
    show: 'Zeigen',
    hide: 'Verbergen',
    atLeast: (characters) => `Mindestens ${characters} Zeichen.`,
  },
  or: 'oder',
  signIn: {
    heading: 'Anmelden',
    button: 'Anmelden',
    forgot: 'Passwort vergessen?',
    isNew: 'Neu hier?',
    signUp: 'Konto erstellen',
    wrong: 'Die E-Mail-Adresse oder das Passwort ist falsch.',
    byPasskey: 'Mit Passkey anmelden',
    byCode: 'Anmeldecode per E-Mail senden',
    byProvider: (name) => `Weiter mit ${name}`,
  },
  signUp: {
    heading: 'Konto erstellen',
    button: 'Konto erstellen',
    hasAccount: 'Haben Sie schon ein Konto?',
    signIn: 'Anmelden',
    sent: {
      heading: 'Prüfen Sie Ihre E-Mails',
      next: 'Wir haben Ihnen einen Link gesendet. Öffnen Sie ihn in diesem Browser, um Ihr Konto fertigzustellen.',
    },
  },
  signOut: {
    button: 'Abmelden',
    done: { heading: 'Sie sind abgemeldet', next: 'Sie können diese Seite schließen.' },
    again: 'Wieder anmelden',
  },
  goOn: {
    heading: 'Sie sind angemeldet',
    lead: (email) => `Sie sind als ${email} angemeldet.`,
    button: 'Weiter',
    other: 'Anderes Konto verwenden',
  },
  emailCode: {
    heading: 'Per E-Mail anmelden',
    lead: 'Geben Sie Ihre E-Mail-Adresse ein. Wir senden Ihnen einen Code.',
    button: 'Code senden',
    sent: {
      heading: 'Prüfen Sie Ihre E-Mails',
      next: 'Wenn es zu dieser E-Mail-Adresse ein Konto gibt, haben wir einen Code dorthin gesendet. Er gilt zehn Minuten.',
    },
    enter: 'Anmelden',
    again: 'Neuen Code senden',
    password: 'Mit Passwort anmelden',
  },
  step: {
    mailed: 'Wir haben Ihnen eine E-Mail mit einem Code geschickt. Geben Sie ihn hier ein.',
    recovery: 'Kein Zugriff auf die App? Geben Sie stattdessen einen Ihrer Wiederherstellungscodes ein.',
    startOver: 'Zurück zur Anmeldung',
    enrolHeading: 'Authenticator-App hinzufügen',
    enrol:
      'Ihr Konto braucht eine Authenticator-App, die alle 30 Sekunden einen neuen Code zeigt. Halten Sie die App auf Ihrem Telefon bereit.',
    passkeyHeading: 'Verwenden Sie Ihren Passkey',
    passkeyLead: 'Dieses Konto fragt auch nach einem Passkey. Halten Sie das Gerät bereit, auf dem er ist.',
    byPasskey: 'Weiter mit Passkey',
    byRecoveryCode: 'Stattdessen einen Wiederherstellungscode verwenden',
    trust: (days) => `Diesem Browser vertrauen und ${days} Tage lang nicht mehr fragen`,
  },
  stepUp: {
    heading: 'Bestätigen Sie, dass Sie es sind',
    lead: 'Sie sind dabei, etwas Wichtiges zu ändern. Bestätigen Sie noch einmal, dass Sie es sind.',
    button: 'Weiter',
    again: 'Stattdessen neu anmelden',
    byPasskey: 'Passkey verwenden',
    byProvider: (name) => `Mit ${name} bestätigen`,
    leaving: {
      heading: 'Bestätigen Sie, dass Sie es sind',
      lead: 'Melden Sie sich dort noch einmal an. Danach kommen Sie hierher zurück.',
      goOn: 'Weiter',
    },
  },
  providerFailed:
    'Der andere Dienst hat Sie nicht angemeldet. Versuchen Sie es noch einmal oder wählen Sie einen anderen Weg.',
  passkeyFailed:
    'Das hat nicht funktioniert. Versuchen Sie es noch einmal oder wählen Sie einen anderen Weg.',
  account: {
    heading: 'Ihr Konto',
    back: 'Zurück zu Ihrem Konto',
    change: 'Ändern',
    open: 'Öffnen',
    save: 'Speichern',
    none: 'Keine',
    noName: 'Nicht angegeben',
    on: 'An',
    off: 'Aus',
    confirmed: 'Bestätigt',
    name: 'Name',
    emailAddress: 'E-Mail-Adresse',
    security: 'Anmeldung und Sicherheit',
    twoSteps: 'Bestätigung in zwei Schritten',
    passkeys: 'Passkeys',
    identities: 'Verknüpfte Konten',
    done: {
      profile: 'Gespeichert.',
      password: 'Passwort geändert. Alle anderen Geräte sind abgemeldet.',
      email: 'Prüfen Sie Ihre E-Mails. Die alte und die neue Adresse müssen die Änderung bestätigen.',
      device: 'Das Gerät ist abgemeldet.',
      devices: 'Alle anderen Geräte sind abgemeldet.',
      app: 'Die Bestätigung in zwei Schritten ist an.',
      app_removed: 'Die Authenticator-App ist entfernt.',
      passkey: 'Passkey hinzugefügt.',
      passkey_removed: 'Passkey entfernt.',
      unlinked: 'Das Konto ist nicht mehr verknüpft.',
      key_revoked: 'Der Schlüssel ist widerrufen. Er gilt nicht mehr.',
      trust_gone: 'Diesem Browser wird nicht mehr vertraut.',
      trusts_gone: 'Keinem Browser wird mehr vertraut.',
      factor_gone: 'Der Passkey ist kein zweiter Schritt mehr.',
    },
    profile: {
      heading: 'Ihr Profil',
      locale: 'Sprache der E-Mails',
      anyLocale: 'Keine Angabe',
      mail: 'Auch E-Mails senden, die nicht die Sicherheit betreffen',
    },
    password: {
      heading: 'Passwort ändern',
      lead: 'Alle anderen Geräte werden abgemeldet.',
      button: 'Passwort ändern',
    },
    email: {
      heading: 'E-Mail-Adresse ändern',
      lead: (email) =>
        `Ihre E-Mail-Adresse ist ${email}. Wir senden einen Link an die alte und an die neue Adresse.`,
      button: 'Links senden',
    },
    devices: {
      heading: 'Ihre Geräte',
      thisOne: 'Dieses Gerät',
      unknown: 'Unbekanntes Gerät',
      lastUsed: 'Zuletzt verwendet',
      button: 'Abmelden',
      others: 'Alle anderen Geräte abmelden',
    },
    apiKeys: {
      heading: 'API-Schlüssel',
      short: 'Für Programme, die für Sie handeln',
      lead: 'Mit diesen Schlüsseln handeln Programme für Sie. Widerrufen Sie einen Schlüssel, der nicht mehr gebraucht wird oder den jemand gesehen haben kann.',
      noneYet: 'Sie haben keinen Schlüssel. Mit einem Schlüssel kann ein Programm für Sie handeln.',
      made: 'Erstellt',
      used: 'zuletzt benutzt',
      unused: 'nie benutzt',
      ends: 'Endet',
      revoke: 'Widerrufen',
      add: 'Schlüssel erstellen',
      addLead: 'Geben Sie ihm einen Namen, der Ihnen sagt, wo er benutzt wird.',
      scopes: 'Was er darf',
      never: 'Nie',
      after: (days) => `Nach ${days} Tagen`,
      button: 'Schlüssel erstellen',
      yours: 'Ihr neuer Schlüssel',
      yoursLead:
        'Kopieren Sie ihn jetzt und bewahren Sie ihn auf wie ein Passwort. Er wird nicht noch einmal gezeigt.',
      kept: 'Ich habe ihn aufbewahrt',
    },
    trustedDevices: {
      heading: 'Vertrauenswürdige Browser',
      short: 'Browser, in denen nicht nach einem zweiten Schritt gefragt wird',
      lead: 'In diesen Browsern fragt die Anmeldung nicht nach einem zweiten Schritt.',
      noneYet: (days) =>
        `Sie vertrauen keinem Browser. Wenn Sie sich in zwei Schritten anmelden, können Sie dem Browser für ${days} Tage vertrauen.`,
      thisOne: 'Dieser Browser',
      since: 'Vertraut seit',
      until: 'bis',
      remove: 'Nicht mehr vertrauen',
      removeAll: 'Keinem Browser mehr vertrauen',
    },
    authenticator: {
      isOn: 'Eine Authenticator-App ist eingerichtet. Beim Anmelden geben Sie auch einen Code aus der App ein.',
      isOff: 'Mit einer Authenticator-App auf Ihrem Telefon reicht Ihr Passwort allein nicht zum Anmelden.',
      add: 'Authenticator-App einrichten',
      another: 'Stattdessen eine andere App einrichten',
      remove: 'App entfernen',
      removeLead:
        'Beim Anmelden wird kein Code mehr verlangt. Auch die Wiederherstellungscodes werden entfernt, und alle anderen Geräte werden abgemeldet.',
      newCodes: 'Neue Wiederherstellungscodes',
      newCodesLead: 'Die alten Wiederherstellungscodes gelten dann nicht mehr.',
      left: (codes) => `noch ${codes}`,
      scan: 'Scannen Sie diesen Code',
      scanLead:
        'Scannen Sie ihn mit Ihrer Authenticator-App. Geben Sie dann den Code ein, den die App zeigt.',
      qr: 'QR-Code für Ihre Authenticator-App',
      byHand: 'Schlüssel stattdessen von Hand eingeben',
      again: 'Geben Sie den Code ein, den Ihre App jetzt zeigt.',
      confirm: 'Bestätigen',
      codes: 'Ihre Wiederherstellungs\u00adcodes', // a soft hyphen: the word is wider than a phone
      codesLead:
        'Bewahren Sie sie sicher auf. Jeder gilt einmal, wenn Sie keinen Zugriff auf Ihre App oder Ihren Passkey haben. Sie werden nicht noch einmal gezeigt.',
      kept: 'Ich habe sie aufbewahrt',
    },
    passkeysPage: {
      lead: 'Mit einem Passkey melden Sie sich mit Fingerabdruck, Gesicht oder der PIN Ihres Geräts an.',
      added: 'Hinzugefügt am',
      used: 'zuletzt verwendet am',
      remove: 'Entfernen',
      add: 'Passkey hinzufügen',
      isFactor: 'Zweiter Schritt',
      choose: 'Als zweiten Schritt verwenden',
      chooseLead:
        'Nach Ihrem Passwort fragt die Anmeldung dann auch nach diesem Passkey. Für den Fall, dass Sie ihn verlieren, bekommen Sie Wiederherstellungscodes. Alle anderen Geräte werden abgemeldet.',
      leave: 'Nicht mehr als zweiter Schritt',
      leaveLead:
        'Nach Ihrem Passwort fragt die Anmeldung dann nicht mehr nach diesem Passkey. Sie können sich weiter mit ihm anmelden. Alle anderen Geräte werden abgemeldet.',
    },
    identitiesPage: {
      lead: 'Mit diesen Konten können Sie sich anmelden.',
      linked: 'Das Konto ist verknüpft.',
      noneYet: 'Kein anderes Konto ist verknüpft.',
      since: 'Verknüpft am',
      unlink: 'Trennen',
      link: (provider) => `${provider} verknüpfen`,
      leaving: {
        heading: 'Konto verknüpfen',
        lead: 'Gehen Sie dorthin weiter und erlauben Sie die Verknüpfung. Danach kommen Sie hierher zurück.',
        goOn: 'Weiter',
      },
    },
    data: {
      heading: 'Ihre Daten',
      short: 'Ihre Daten herunterladen',
      lead: 'Laden Sie alles, was wir über Sie gespeichert haben, als eine Datei herunter (JSON).',
      button: 'Herunterladen',
    },
    close: {
      heading: 'Konto schließen',
      short: 'Konto schließen',
      lead: (days) =>
        `Sie werden überall abgemeldet, und niemand kann sich mehr anmelden. ${days} Tage lang können Sie das mit einem Link zurücknehmen, den wir Ihnen senden. Danach werden Ihre Daten gelöscht.`,
      button: 'Konto schließen',
      done: {
        heading: 'Ihr Konto ist geschlossen',
        next: 'Wir haben Ihnen einen Link gesendet, mit dem Sie das zurücknehmen können.',
      },
    },
  },
}
