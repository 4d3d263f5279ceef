/** German. */
import type { Texts } from './texts.ts'

export const de: Texts = {
  greeting: (name) => (name === null ? 'Guten Tag,' : `Guten Tag ${name},`),
  mails: {
    session_ended: {
      subject: (tenant) => `Eine Ihrer Sitzungen bei ${tenant} wurde beendet`,
      paragraphs: (tenant) => [
        `Eine Anmeldung bei Ihrem Konto bei ${tenant} wurde ein zweites Mal verwendet, wie es nur mit einer Kopie davon möglich ist. Jemand könnte sie kopiert haben, daher haben wir diese Sitzung beendet. Ihre anderen Sitzungen laufen weiter.`,
        'Melden Sie sich dort, wo Sie abgemeldet wurden, neu an. Wenn Sie das folgende Gerät nicht kennen, ändern Sie Ihr Passwort.',
      ],
    },
    password_disabled: {
      subject: (tenant) => `Ihr Passwort bei ${tenant} wurde gesperrt`,
      paragraphs: (tenant) => [
        `Jemand hat für Ihr Konto bei ${tenant} hundertmal hintereinander ein falsches Passwort eingegeben. Damit niemand weiter raten kann, ist mit dem Passwort keine Anmeldung mehr möglich, bis Sie es zurückgesetzt haben.`,
        'Bei diesen Versuchen hat sich niemand angemeldet, und Ihre Sitzungen laufen weiter. Der letzte Versuch:',
      ],
    },
    delivery_dead: {
      subject: (tenant) => `Ein Webhook von ${tenant} antwortet nicht`,
      paragraphs: (tenant) => [
        `Ein Ereignis von ${tenant} konnte dem folgenden Webhook-Endpunkt nicht zugestellt werden: Alle Versuche sind fehlgeschlagen, und es folgt kein weiterer.`,
        'Spätere Ereignisse werden ihm weiterhin gesendet. Sobald er wieder antwortet, lässt sich das Versäumte erneut zustellen. Diese Nachricht erhalten Sie je Endpunkt höchstens einmal am Tag.',
      ],
    },
    endpoint_disabled: {
      subject: (tenant) => `Ein Webhook von ${tenant} wurde abgeschaltet`,
      paragraphs: (tenant) => [
        `Der folgende Webhook-Endpunkt hat mit 410 Gone geantwortet, also dass es ihn nicht mehr gibt. ${tenant} sendet ihm nichts mehr.`,
        'Falls das ein Versehen war, schalten Sie den Endpunkt wieder ein und lassen Sie das Versäumte erneut zustellen.',
      ],
    },
  },
  facts: { time: 'Zeitpunkt', device: 'Gerät', place: 'Ort', endpoint: 'Endpunkt' },
  reason: (tenant) => `Sie erhalten diese Nachricht wegen Ihres Kontos bei ${tenant}.`,
}
