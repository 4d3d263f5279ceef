/** German. */
import type { Texts } from './texts.ts'

export const de: Texts = {
  greeting: (name) => (name === null ? 'Guten Tag,' : `Guten Tag ${name},`),
  mails: {
    verify_email: {
      subject: (tenant) => `Bestätigen Sie Ihre Adresse für ${tenant}`,
      paragraphs: (tenant) => [
        `Jemand, vermutlich Sie, hat diese Adresse bei ${tenant} angegeben. Bitte bestätigen Sie, dass sie Ihnen gehört.`,
        'Wenn Sie das nicht waren, müssen Sie nichts tun: Die Adresse bleibt dann unbestätigt.',
      ],
      action: 'Adresse bestätigen',
    },
    registered_again: {
      subject: (tenant) => `Sie haben schon ein Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Jemand, vermutlich Sie, wollte sich bei ${tenant} mit dieser Adresse registrieren. Sie hat dort schon ein Konto, und daran hat sich nichts geändert.`,
        'Melden Sie sich an wie immer. Wenn Sie Ihr Passwort vergessen haben, setzen Sie es dort mit „Passwort vergessen“ zurück. Wenn Sie das nicht waren, müssen Sie nichts tun.',
      ],
    },
    reset_password: {
      subject: (tenant) => `Setzen Sie ein neues Passwort bei ${tenant}`,
      paragraphs: (tenant) => [
        `Jemand, vermutlich Sie, möchte für Ihr Konto bei ${tenant} ein neues Passwort setzen. Der Link gilt einmal; mit dem neuen Passwort enden alle Ihre Sitzungen.`,
        'Wenn Sie das nicht angefordert haben, hat sich nichts geändert: Beachten Sie diese Nachricht nicht, und Ihr Passwort bleibt.',
      ],
      action: 'Neues Passwort setzen',
    },
    approve_email_change: {
      subject: (tenant) => `Soll sich Ihre Adresse bei ${tenant} ändern?`,
      paragraphs: (tenant) => [
        `Jemand, der bei Ihrem Konto bei ${tenant} angemeldet ist, möchte ihm mit dem folgenden Gerät eine andere E-Mail-Adresse geben. Sie ändert sich, sobald beide Adressen bestätigt haben; dies ist der Link der jetzigen.`,
        'Wenn Sie das nicht waren, öffnen Sie ihn nicht und ändern Sie Ihr Passwort: Dann ist jemand anderes bei Ihrem Konto angemeldet.',
      ],
      action: 'Änderung bestätigen',
    },
    confirm_new_email: {
      subject: (tenant) => `Bestätigen Sie Ihre neue Adresse für ${tenant}`,
      paragraphs: (tenant) => [
        `Das unten genannte Konto bei ${tenant} soll diese E-Mail-Adresse bekommen. Sie ändert sich, sobald beide Adressen bestätigt haben; dies ist der Link der neuen.`,
        'Wenn Sie davon nichts wissen, beachten Sie diese Nachricht nicht: Ohne Sie ändert sich nichts.',
      ],
      action: 'Adresse bestätigen',
    },
    email_changed: {
      subject: (tenant) => `Ihre Adresse bei ${tenant} wurde geändert`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} hat jetzt eine andere E-Mail-Adresse; beide Adressen haben das bestätigt. Was wir zum Konto schreiben, kommt nicht mehr hierher.`,
        'Wenn Sie das nicht waren, machen Sie es rückgängig: Das Konto hat dann wieder diese Adresse, alle werden abgemeldet, und sein Passwort gilt nicht mehr.',
      ],
      action: 'Änderung rückgängig machen',
    },
    email_reverted: {
      subject: (tenant) => `Ihr Konto bei ${tenant} hat wieder diese Adresse`,
      paragraphs: (tenant) => [
        `Die Änderung der Adresse Ihres Kontos bei ${tenant} wurde rückgängig gemacht.`,
        'Alle wurden abgemeldet, und das Passwort gilt nicht mehr. Setzen Sie mit „Passwort vergessen“ ein neues und melden Sie sich an.',
      ],
    },
    sign_in: {
      subject: (tenant) => `Ihre Anmeldung bei ${tenant}`,
      paragraphs: (tenant) => [
        `Jemand, vermutlich Sie, möchte sich bei Ihrem Konto bei ${tenant} anmelden. Der Link gilt einmal, und nur in dem Browser, in dem er angefordert wurde.`,
        'Wenn Sie das nicht waren, beachten Sie diese Nachricht nicht: Ohne sie kommt niemand hinein.',
      ],
      action: 'Anmelden',
    },
    account_closed: {
      subject: (tenant) => `Ihr Konto bei ${tenant} wurde geschlossen`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} wurde geschlossen: Niemand kann sich mehr anmelden, und was es über Sie enthält, wird gelöscht.`,
        'Bis zum unten genannten Zeitpunkt können Sie das zurücknehmen. Das Konto hat dann kein Passwort; Sie setzen mit „Passwort vergessen“ ein neues.',
      ],
      action: 'Konto wiederherstellen',
    },
    account_restored: {
      subject: (tenant) => `Ihr Konto bei ${tenant} ist wieder offen`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} war geschlossen und ist wieder offen.`,
        'Es hat kein Passwort. Setzen Sie mit „Passwort vergessen“ eines und melden Sie sich an.',
      ],
    },
    invitation: {
      subject: (tenant) => `Sie sind zu ${tenant} eingeladen`,
      paragraphs: (tenant) => [
        `Die Verwaltung von ${tenant} lädt Sie ein, dort mit dieser Adresse ein Konto zu haben.`,
        'Wenn Sie davon nichts wissen, beachten Sie diese Nachricht nicht: Ohne Sie geschieht nichts.',
      ],
      action: 'Einladung annehmen',
    },
    password_changed: {
      subject: (tenant) => `Ihr Passwort bei ${tenant} wurde geändert`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} hat ein neues Passwort.`,
        'Wenn Sie das nicht waren, setzen Sie es sofort mit „Passwort vergessen“ zurück: Das meldet alle ab.',
      ],
    },
    password_disabled: {
      subject: (tenant) => `Ihr Passwort bei ${tenant} wurde gesperrt`,
      paragraphs: (tenant) => [
        `Jemand hat für Ihr Konto bei ${tenant} hundertmal hintereinander ein falsches Passwort eingegeben. Damit niemand weiter raten kann, ist mit dem Passwort keine Anmeldung mehr möglich, bis Sie es mit „Passwort vergessen“ zurückgesetzt haben.`,
        'Bei diesen Versuchen hat sich niemand angemeldet, und Ihre Sitzungen laufen weiter. Der letzte Versuch:',
      ],
    },
    second_factor_added: {
      subject: (tenant) => `Ihrem Konto bei ${tenant} wurde eine Authenticator-App hinzugefügt`,
      paragraphs: (tenant) => [
        `Die Anmeldung an Ihrem Konto bei ${tenant} braucht ab jetzt einen Code aus einer Authenticator-App. Alle anderen Sitzungen des Kontos wurden beendet.`,
        'Waren Sie das nicht, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück und wenden Sie sich an einen Administrator.',
      ],
    },
    second_factor_removed: {
      subject: (tenant) => `Ihre Authenticator-App wurde bei ${tenant} entfernt`,
      paragraphs: (tenant) => [
        `Die Anmeldung an Ihrem Konto bei ${tenant} braucht keinen Code aus Ihrer Authenticator-App mehr. Alle anderen Sitzungen des Kontos wurden beendet.`,
        'Waren Sie das nicht, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück und fügen Sie wieder eine Authenticator-App hinzu.',
      ],
    },
    second_factor_disabled: {
      subject: (tenant) => `Zu viele falsche Codes für Ihr Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Für Ihr Konto bei ${tenant} wurden hundert falsche Codes nacheinander eingegeben, von jemandem, der den ersten Schritt der Anmeldung bestanden hat. Codes werden nicht mehr angenommen; ein Administrator muss sie zurücksetzen.`,
        'Waren Sie das nicht, kennt jemand Ihr Passwort oder liest Ihre E-Mails. Setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück. Der letzte Versuch:',
      ],
    },
    recovery_codes_replaced: {
      subject: (tenant) => `Neue Wiederherstellungscodes für Ihr Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} hat neue Wiederherstellungscodes. Die alten gelten nicht mehr.`,
        'Waren Sie das nicht, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück.',
      ],
    },
    recovery_code_used: {
      subject: (tenant) => `Bei ${tenant} wurde ein Wiederherstellungscode benutzt`,
      paragraphs: (tenant) => [
        `Ein Wiederherstellungscode hat den zweiten Faktor Ihres Kontos bei ${tenant} ersetzt. Jeder Code gilt einmal. Machen Sie neue, wenn nur noch wenige übrig sind.`,
        'Waren Sie das nicht, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück und machen Sie neue Wiederherstellungscodes.',
      ],
    },
    passkey_added: {
      subject: (tenant) => `Neuer Passkey für Ihr Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Ihr Konto bei ${tenant} hat einen neuen Passkey, mit dem man sich ohne Passwort anmelden kann. Er wurde von dem unten genannten Gerät aus hinzugefügt.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück; das meldet alle ab. Melden Sie sich dann an und entfernen Sie den Passkey.',
      ],
    },
    passkey_removed: {
      subject: (tenant) => `Ein Passkey Ihres Kontos bei ${tenant} wurde entfernt`,
      paragraphs: (tenant) => [
        `Ein Passkey Ihres Kontos bei ${tenant} wurde von dem unten genannten Gerät aus entfernt; man kann sich mit ihm nicht mehr anmelden. Alle anderen Sitzungen wurden beendet.`,
        'Wenn Sie das nicht waren, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück: Das meldet alle ab.',
      ],
    },
    sessions_revoked: {
      subject: (tenant) => `Sitzungen bei ${tenant} wurden beendet`,
      paragraphs: (tenant) => [
        `Mit dem folgenden Gerät wurden eine oder mehrere Sitzungen Ihres Kontos bei ${tenant} beendet: Wer sie verwendet hat, muss sich neu anmelden.`,
        'Wenn Sie das nicht waren, ist jemand anderes bei Ihrem Konto angemeldet. Setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück: Das meldet alle ab.',
      ],
    },
    session_ended: {
      subject: (tenant) => `Eine Ihrer Sitzungen bei ${tenant} wurde beendet`,
      paragraphs: (tenant) => [
        `Eine Anmeldung bei Ihrem Konto bei ${tenant} wurde ein zweites Mal verwendet, wie es nur mit einer Kopie davon möglich ist. Jemand könnte sie kopiert haben, daher haben wir diese Sitzung beendet. Ihre anderen Sitzungen laufen weiter.`,
        'Melden Sie sich dort, wo Sie abgemeldet wurden, neu an. Wenn Sie das folgende Gerät nicht kennen, ändern Sie Ihr Passwort.',
      ],
    },
    session_not_continued: {
      subject: (tenant) => `Bitte melden Sie sich bei ${tenant} neu an`,
      paragraphs: (tenant) => [
        `Eine Ihrer Sitzungen bei ${tenant} konnte nicht fortgesetzt werden: Ein Gerät wollte sie mit einem Token fortsetzen, das schon ersetzt war. Das kommt vor, wenn eine Antwort auf dem Weg zum Gerät verloren geht. Zur Sicherheit haben wir diese Sitzung beendet. Ihre anderen Sitzungen laufen weiter.`,
        'Melden Sie sich dort, wo Sie abgemeldet wurden, neu an. Wenn Sie das folgende Gerät nicht kennen, ändern Sie Ihr Passwort.',
      ],
    },
    new_device: {
      subject: (tenant) => `Ein neues Gerät bei Ihrem Konto bei ${tenant}`,
      paragraphs: (tenant) => [
        `Jemand hat sich bei Ihrem Konto bei ${tenant} mit einem Gerät oder in einem Land angemeldet, mit dem es bisher nicht verwendet wurde.`,
        'Wenn Sie das waren, müssen Sie nichts tun. Wenn nicht, setzen Sie Ihr Passwort mit „Passwort vergessen“ zurück: Das meldet alle ab.',
      ],
    },
    delivery_dead: {
      subject: (tenant) => `Ein Webhook von ${tenant} antwortet nicht`,
      paragraphs: (tenant) => [
        `Ein Ereignis von ${tenant} konnte dem folgenden Webhook-Endpunkt nicht zugestellt werden, und es folgt kein weiterer Versuch.`,
        'Spätere Ereignisse werden ihm weiterhin gesendet. Sobald er wieder antwortet, lässt sich das Versäumte erneut zustellen. Diese Nachricht erhalten Sie je Endpunkt höchstens einmal am Tag.',
      ],
    },
    endpoint_disabled: {
      subject: (tenant) => `Ein Webhook von ${tenant} wurde abgeschaltet`,
      paragraphs: (tenant) => [
        `${tenant} sendet dem folgenden Webhook-Endpunkt nichts mehr: Er hat mit 410 Gone geantwortet, also dass es ihn nicht mehr gibt, oder seit fünf Tagen ist jeder Versuch fehlgeschlagen.`,
        'Sobald er wieder funktioniert, schalten Sie ihn ein und lassen Sie das Versäumte erneut zustellen.',
      ],
    },
  },
  linkAsText: 'Oder öffnen Sie diese Adresse:',
  code: 'Geben Sie diesen Code dort ein, wo Sie ihn angefordert haben, und sagen Sie ihn niemandem:',
  facts: {
    time: 'Zeitpunkt',
    device: 'Gerät',
    place: 'Ort',
    account: 'Konto',
    until: 'Der Link gilt bis',
    endpoint: 'Endpunkt',
  },
  reason: (tenant) => `Sie erhalten diese Nachricht wegen Ihres Kontos bei ${tenant}.`,
  reasonUnproved: (tenant) =>
    `Sie erhalten diese Nachricht, weil jemand diese Adresse bei ${tenant} angegeben hat.`,
  howToStop: 'Nachrichten dieser Art können Sie abschalten: PATCH /v1/me mit operational_mail gleich false.',
}
