/** English. */
import type { Texts } from './texts.ts'

export const en: Texts = {
  greeting: (name) => (name === null ? 'Hello,' : `Hello ${name},`),
  mails: {
    session_ended: {
      subject: (tenant) => `We ended one of your sessions at ${tenant}`,
      paragraphs: (tenant) => [
        `A sign-in to your account at ${tenant} was used a second time in a way that only a copy of it can be. Somebody may have copied it, so we ended that session. Your other sessions go on.`,
        'Sign in again where you were signed out. If you do not recognise the device below, change your password.',
      ],
    },
    password_disabled: {
      subject: (tenant) => `Your password at ${tenant} was switched off`,
      paragraphs: (tenant) => [
        `Somebody entered a wrong password for your account at ${tenant} a hundred times in a row. So that nobody can go on guessing, the password is no way in until you have reset it.`,
        'Nobody signed in with these attempts, and your sessions go on. The last attempt:',
      ],
    },
    delivery_dead: {
      subject: (tenant) => `A webhook of ${tenant} does not answer`,
      paragraphs: (tenant) => [
        `An event of ${tenant} could not be delivered to the webhook endpoint below: every attempt failed, and there will be no further one.`,
        'Later events are still sent to it. Once it answers again, what it missed can be replayed. You get this mail once a day at most for each endpoint.',
      ],
    },
    endpoint_disabled: {
      subject: (tenant) => `A webhook of ${tenant} was switched off`,
      paragraphs: (tenant) => [
        `The webhook endpoint below answered 410 Gone, which says that it is there no more. ${tenant} sends nothing to it any longer.`,
        'If that was a mistake, enable the endpoint again and replay what it missed.',
      ],
    },
  },
  facts: { time: 'Time', device: 'Device', place: 'Place', endpoint: 'Endpoint' },
  reason: (tenant) => `You get this mail because of your account at ${tenant}.`,
}
