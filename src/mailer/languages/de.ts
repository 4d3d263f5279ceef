/** German. */
import type { Texts } from './texts.ts'

export const de: Texts = {
  greeting: (name) => (name === null ? 'Guten Tag,' : `Guten Tag ${name},`),
  mails: {
    verify_email: {
      subject: (tenant) => `Bestätigen Sie Ihre E-Mail-Adresse für ${tenant}`,
      paragraphs: (tenant) => [
        `Diese E-Mail-Adresse wurde für ein Konto bei ${tenant} angegeben. Bitte bestätigen Sie, dass sie Ihnen gehört.`,
        'Wenn Sie das nicht waren, ignorieren Sie diese E-Mail. Die Adresse bleibt dann unbestätigt.',
      ],
      action: 'E-Mail-Adresse bestätigen',
    },
    registered_again: {
      subject: (tenant) => `Sie haben schon ein Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Wir haben eine Anfrage erhalten, mit dieser E-Mail-Adresse ein Konto bei ${tenant} anzulegen. Sie haben dort schon ein Konto, und es hat sich nicht geändert.`,
        'Melden Sie sich wie gewohnt an. Wenn Sie Ihr Passwort vergessen haben, setzen Sie es mit „Passwort vergessen“ zurück. Wenn Sie das nicht waren, ignorieren Sie diese E-Mail.',
      ],
    },
    reset_password: {
      subject: (tenant) => `Setzen Sie Ihr Passwort für ${tenant} zurück`,
      paragraphs: (tenant) => [
        `Wir haben eine Anfrage erhalten, das Passwort Ihres Kontos bei ${tenant} zurückzusetzen. Der Link gilt einmal. Mit dem neuen Passwort werden Sie überall abgemeldet.`,
        'Wenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail. Ihr Passwort bleibt gleich.',
      ],
      action: 'Passwort zurücksetzen',
    },
    approve_email_change: {
      subject: (tenant) => `Stimmen Sie Ihrer neuen E-Mail-Adresse für ${tenant} zu`,
      paragraphs: (tenant) => [
        `Wir haben von dem folgenden Gerät eine Anfrage erhalten, die E-Mail-Adresse Ihres Kontos bei ${tenant} zu ändern. Sie ändert sich, wenn die alte und die neue Adresse bestätigt haben. Dieser Link bestätigt für die alte Adresse.`,
        'Wenn Sie das nicht waren, öffnen Sie den Link nicht und ändern Sie Ihr Passwort: Dann ist jemand anderes in Ihrem Konto angemeldet.',
      ],
      action: 'Änderung bestätigen',
    },
    confirm_new_email: {
      subject: (tenant) => `Bestätigen Sie Ihre neue E-Mail-Adresse für ${tenant}`,
      paragraphs: (tenant) => [
        `Das unten genannte Konto bei ${tenant} soll diese E-Mail-Adresse bekommen. Sie ändert sich, wenn die alte und die neue Adresse bestätigt haben. Dieser Link bestätigt für die neue Adresse.`,
        'Wenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail. Ohne Sie ändert sich nichts.',
      ],
      action: 'E-Mail-Adresse bestätigen',
    },
    email_changed: {
      subject: (tenant) => `Ihre E-Mail-Adresse bei ${tenant} wurde geändert`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} hat eine neue E-Mail-Adresse. Beide Adressen haben das bestätigt. An diese Adresse senden wir keine E-Mails zum Konto mehr.`,
        'Wenn Sie das nicht waren, machen Sie die Änderung rückgängig. Das Konto hat dann wieder diese Adresse, alle Geräte werden abgemeldet, und das Passwort wird entfernt.',
      ],
      action: 'Änderung rückgängig machen',
    },
    email_reverted: {
      subject: (tenant) => `Die Änderung Ihrer E-Mail-Adresse bei ${tenant} wurde rückgängig gemacht`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} hat wieder diese E-Mail-Adresse.`,
        'Alle Geräte wurden abgemeldet, und das Passwort wurde entfernt. Setzen Sie mit „Passwort vergessen“ ein neues und melden Sie sich an.',
      ],
    },
    sign_in: {
      subject: (tenant) => `Anmelden bei ${tenant}`,
      paragraphs: (tenant) => [
        `Wir haben eine Anfrage erhalten, sich in Ihrem Konto bei ${tenant} anzumelden. Der Link gilt einmal, und nur in dem Browser, in dem er angefordert wurde.`,
        'Wenn Sie das nicht angefordert haben, ignorieren Sie diese E-Mail. Ohne sie kann sich niemand anmelden.',
      ],
      action: 'Anmelden',
    },
    account_closed: {
      subject: (tenant) => `Ihr Konto bei ${tenant} wurde geschlossen`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} wurde geschlossen. Niemand kann sich mehr anmelden, und Ihre Daten werden gelöscht.`,
        'Bis zum unten genannten Zeitpunkt können Sie das Konto wiederherstellen. Es hat dann kein Passwort; setzen Sie mit „Passwort vergessen“ ein neues.',
      ],
      action: 'Konto wiederherstellen',
    },
    account_restored: {
      subject: (tenant) => `Ihr Konto bei ${tenant} wurde wiederhergestellt`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} war geschlossen und wurde wiederhergestellt.`,
        'Es hat kein Passwort. Setzen Sie mit „Passwort vergessen“ eines und melden Sie sich an.',
      ],
    },
    impersonated: {
      subject: (tenant) => `Ein Administrator hat Ihr Konto bei ${tenant} benutzt`,
      paragraphs: (tenant) => [
        `Ein Administrator von ${tenant} hat Ihr Konto für kurze Zeit benutzt, zum Beispiel um Ihnen zu helfen. Er kann weder Ihr Passwort noch andere Sicherheitseinstellungen ändern, und der Zugriff endet nach spätestens 30 Minuten von selbst.`,
        'Wenn Sie das nicht erwartet haben, wenden Sie sich an die Administratoren.',
      ],
    },
    invitation: {
      subject: (tenant) => `Sie sind zu ${tenant} eingeladen`,
      paragraphs: (tenant) => [
        `Die Verwaltung von ${tenant} lädt Sie ein, mit dieser E-Mail-Adresse ein Konto anzulegen.`,
        'Wenn Sie das nicht erwartet haben, ignorieren Sie diese E-Mail. Ohne Sie wird kein Konto angelegt.',
      ],
      action: 'Einladung annehmen',
    },
    password_changed: {
      subject: (tenant) => `Ihr Passwort bei ${tenant} wurde geändert`,
      paragraphs: (tenant) => [
        `Das Passwort Ihres Kontos bei ${tenant} wurde geändert.`,
        'Wenn Sie das nicht waren, setzen Sie es sofort mit „Passwort vergessen“ zurück. Das meldet alle Geräte ab.',
      ],
    },
    password_disabled: {
      subject: (tenant) => `Anmeldung mit Passwort bei ${tenant} gesperrt`,
      paragraphs: (tenant) => [
        `Für Ihr Konto bei ${tenant} wurde hundertmal hintereinander ein falsches Passwort eingegeben. Zum Schutz des Kontos ist die Anmeldung mit Passwort gesperrt, bis Sie es mit „Passwort vergessen“ zurücksetzen.`,
        'Keiner dieser Versuche war erfolgreich, und Sie bleiben auf Ihren Geräten angemeldet. Der letzte Versuch:',
      ],
    },
    second_factor_added: {
      subject: (tenant) => `Zweiter Faktor zu Ihrem Konto bei ${tenant} hinzugefügt`,
      paragraphs: (tenant) => [
        `Die Anmeldung in Ihrem Konto bei ${tenant} erfordert jetzt einen zweiten Faktor: Ihre Authenticator-App, Ihren Passkey oder einen Wiederherstellungscode. Alle anderen Geräte wurden abgemeldet.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück und wenden Sie sich an einen Administrator.',
      ],
    },
    second_factor_removed: {
      subject: (tenant) => `Zweiter Faktor aus Ihrem Konto bei ${tenant} entfernt`,
      paragraphs: (tenant) => [
        `Eine Authenticator-App oder ein Passkey Ihres Kontos bei ${tenant} ist kein zweiter Faktor mehr. Alle anderen Geräte wurden abgemeldet.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück und fügen Sie wieder einen zweiten Faktor hinzu.',
      ],
    },
    trusted_device_added: {
      subject: (tenant) => `Ein Browser gilt bei ${tenant} jetzt als vertrauenswürdig`,
      paragraphs: (tenant) => [
        `Sie haben diesem Browser vertraut. 30 Tage lang braucht die Anmeldung an Ihrem Konto bei ${tenant} dort keinen zweiten Faktor.`,
        'Waren Sie das nicht, ändern Sie Ihr Passwort: Danach gilt kein Browser mehr als vertrauenswürdig. In Ihrem Konto können Sie solche Browser auch entfernen.',
      ],
    },
    second_factor_removal_requested: {
      subject: (tenant) => `Ihre zweiten Faktoren bei ${tenant} werden entfernt`,
      paragraphs: (tenant) => [
        `Ein Administrator hat verlangt, die zweiten Faktoren Ihres Kontos bei ${tenant} zu entfernen, weil Sie sie verloren haben. Zum Zeitpunkt unten werden sie entfernt, und alle Geräte werden abgemeldet. Danach melden Sie sich ohne zweiten Faktor an.`,
        'Wenn Sie das nicht verlangt haben, melden Sie sich vor diesem Zeitpunkt mit einem zweiten Faktor oder einem Wiederherstellungscode an. Das hält die Entfernung auf. Sagen Sie auch einem Administrator Bescheid, und ändern Sie Ihr Passwort.',
      ],
    },
    second_factor_removal_cancelled: {
      subject: (tenant) => `Ihre zweiten Faktoren bei ${tenant} bleiben`,
      paragraphs: (tenant) => [
        `Die zweiten Faktoren Ihres Kontos bei ${tenant} werden nicht entfernt. Bei der Anmeldung wird weiter danach gefragt.`,
        'Eine Anmeldung mit einem zweiten Faktor oder ein Administrator hat das aufgehalten. Wenn Sie Ihre zweiten Faktoren verloren haben, wenden Sie sich noch einmal an einen Administrator.',
      ],
    },
    second_factor_disabled: {
      subject: (tenant) => `Zu viele falsche Codes für Ihr Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Für Ihr Konto bei ${tenant} wurde hundertmal hintereinander ein falscher Code eingegeben, von jemandem, der den ersten Schritt der Anmeldung bestanden hat. Codes werden nicht mehr angenommen. Wenden Sie sich an einen Administrator, um sie zurückzusetzen.`,
        'Wenn Sie das nicht waren, kennt jemand Ihr Passwort oder liest Ihre E-Mails. Setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück. Der letzte Versuch:',
      ],
    },
    second_factor_code: {
      subject: (tenant) => `Ihr Anmeldecode für ${tenant}`,
      paragraphs: (tenant) => [
        `Jemand, vermutlich Sie, meldet sich bei Ihrem Konto bei ${tenant} an. Geben Sie dort diesen Code ein. Er gilt einmal, für diese Anmeldung, fünf Minuten lang.`,
        'Geben Sie diesen Code niemandem. Wenn Sie das nicht waren, kennt jemand Ihr Passwort: Ändern Sie es.',
      ],
    },
    recovery_codes_replaced: {
      subject: (tenant) => `Neue Wiederherstellungscodes für Ihr Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Für Ihr Konto bei ${tenant} wurden neue Wiederherstellungscodes erstellt. Die alten gelten nicht mehr.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück.',
      ],
    },
    recovery_code_used: {
      subject: (tenant) => `Wiederherstellungscode bei ${tenant} verwendet`,
      paragraphs: (tenant) => [
        `Für Ihr Konto bei ${tenant} wurde statt eines Codes aus der Authenticator-App ein Wiederherstellungscode verwendet. Jeder gilt einmal. Erstellen Sie neue, wenn nur noch wenige übrig sind.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück und erstellen Sie neue Wiederherstellungscodes.',
      ],
    },
    passkey_added: {
      subject: (tenant) => `Passkey zu Ihrem Konto bei ${tenant} hinzugefügt`,
      paragraphs: (tenant) => [
        `Von dem folgenden Gerät wurde ein Passkey zu Ihrem Konto bei ${tenant} hinzugefügt. Mit ihm können Sie sich ohne Passwort anmelden.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück; das meldet alle Geräte ab. Melden Sie sich dann an und entfernen Sie den Passkey.',
      ],
    },
    passkey_removed: {
      subject: (tenant) => `Passkey aus Ihrem Konto bei ${tenant} entfernt`,
      paragraphs: (tenant) => [
        `Von dem folgenden Gerät wurde ein Passkey aus Ihrem Konto bei ${tenant} entfernt. Mit ihm kann man sich nicht mehr anmelden. Alle anderen Geräte wurden abgemeldet.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück. Das meldet alle Geräte ab.',
      ],
    },
    identity_linked: {
      subject: (tenant) => `Neue Anmeldemöglichkeit für Ihr Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} wurde mit einem Konto bei einem anderen Anbieter verknüpft, mit dem man sich ab jetzt anmelden kann. Das geschah von dem unten genannten Gerät aus.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück; das meldet alle ab. Melden Sie sich dann an und entfernen Sie die Verknüpfung.',
      ],
    },
    identity_unlinked: {
      subject: (tenant) => `Eine Anmeldemöglichkeit Ihres Kontos bei ${tenant} wurde entfernt`,
      paragraphs: (tenant) => [
        `Mit einem Konto bei einem anderen Anbieter kann man sich nicht mehr bei Ihrem Konto bei ${tenant} anmelden. Es wurde von dem unten genannten Gerät aus entfernt. Alle anderen Sitzungen wurden beendet.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück: Das meldet alle ab.',
      ],
    },
    sessions_revoked: {
      subject: (tenant) => `Geräte wurden bei ${tenant} abgemeldet`,
      paragraphs: (tenant) => [
        `Von dem folgenden Gerät wurden eines oder mehrere Geräte von Ihrem Konto bei ${tenant} abgemeldet.`,
        'Wenn Sie das nicht waren, ist jemand anderes in Ihrem Konto angemeldet. Setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück. Das meldet alle Geräte ab.',
      ],
    },
    session_ended: {
      subject: (tenant) => `Eine Ihrer Sitzungen bei ${tenant} wurde beendet`,
      paragraphs: (tenant) => [
        `Ein Token einer Ihrer Sitzungen bei ${tenant} wurde zweimal verwendet. Es könnte gestohlen worden sein, daher haben wir diese Sitzung beendet. Ihre anderen Sitzungen laufen weiter.`,
        'Melden Sie sich auf dem abgemeldeten Gerät neu an. Wenn Sie das folgende Gerät nicht kennen, ändern Sie Ihr Passwort.',
      ],
    },
    session_not_continued: {
      subject: (tenant) => `Bitte melden Sie sich bei ${tenant} neu an`,
      paragraphs: (tenant) => [
        `Wir haben eine Ihrer Sitzungen bei ${tenant} beendet, weil ein Gerät ein schon ersetztes Token gesendet hat. Das kann vorkommen, wenn eine Antwort verloren geht. Ihre anderen Sitzungen laufen weiter.`,
        'Melden Sie sich auf dem abgemeldeten Gerät neu an. Wenn Sie das folgende Gerät nicht kennen, ändern Sie Ihr Passwort.',
      ],
    },
    new_device: {
      subject: (tenant) => `Neue Anmeldung bei ${tenant}`,
      paragraphs: (tenant) => [
        `Wir haben eine Anmeldung in Ihrem Konto bei ${tenant} von einem neuen Gerät oder aus einem neuen Land bemerkt.`,
        'Wenn Sie das waren, müssen Sie nichts tun. Wenn nicht, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück. Das meldet alle Geräte ab.',
      ],
    },
    delivery_dead: {
      subject: (tenant) => `Webhook-Zustellung für ${tenant} fehlgeschlagen`,
      paragraphs: (tenant) => [
        `Ein Ereignis von ${tenant} konnte dem folgenden Webhook-Endpunkt nicht zugestellt werden. Es wird nicht noch einmal versucht.`,
        'Spätere Ereignisse werden weiterhin gesendet. Wenn der Endpunkt wieder funktioniert, können Sie die verpassten Ereignisse erneut zustellen lassen. Diese E-Mail erhalten Sie je Endpunkt höchstens einmal am Tag.',
      ],
    },
    endpoint_disabled: {
      subject: (tenant) => `Webhook-Endpunkt von ${tenant} deaktiviert`,
      paragraphs: (tenant) => [
        `${tenant} sendet keine Ereignisse mehr an den folgenden Webhook-Endpunkt. Er hat mit 410 Gone geantwortet, oder jede Zustellung der letzten fünf Tage ist fehlgeschlagen.`,
        'Wenn er wieder funktioniert, aktivieren Sie ihn und lassen Sie die verpassten Ereignisse erneut zustellen.',
      ],
    },
    api_key_expiring: {
      subject: (tenant) => `Ein API-Schlüssel von ${tenant} läuft bald ab`,
      paragraphs: () => [
        'Der folgende API-Schlüssel läuft bald ab. Danach werden Programme abgewiesen, die ihn verwenden.',
        'Erstellen Sie einen neuen Schlüssel, und ersetzen Sie den alten, bevor er abläuft.',
      ],
    },
  },
  linkAsText: 'Oder kopieren Sie diese Adresse in Ihren Browser:',
  code: 'Geben Sie diesen Code dort ein, wo Sie ihn angefordert haben, und teilen Sie ihn mit niemandem:',
  facts: {
    time: 'Zeitpunkt',
    device: 'Gerät',
    place: 'Ort',
    account: 'Konto',
    until: 'Link gilt bis',
    due: 'Entfernung am',
    endpoint: 'Endpunkt',
    api_key: 'API-Schlüssel',
    api_key_ends: 'Läuft ab',
  },
  reason: (tenant) => `Sie erhalten diese E-Mail, weil Sie ein Konto bei ${tenant} haben.`,
  reasonUnproved: (tenant) =>
    `Sie erhalten diese E-Mail, weil diese E-Mail-Adresse bei ${tenant} angegeben wurde.`,
  howToStop: 'Um diese E-Mails abzustellen, setzen Sie operational_mail mit PATCH /v1/me auf false.',
}
