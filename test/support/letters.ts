/** A mail of each template, as it would be written: for tests of what it looks like and says. */
import { LANGUAGES as TEXTS } from '../../src/mailer/languages/all.ts'
import { type DueMail, type Letter, type Secrets, writeLetter } from '../../src/mailer/letter.ts'
import { MAILS, type MailEntry } from '../../src/mailer/mails.ts'
import type { OneTimeToken, SignInCode } from '../../src/one-time/one-time-token.ts'

/** One for each template: two events may be told in the same words. */
export const ENTRIES: MailEntry[] = [
  ...new Map(
    Object.values(MAILS)
      .toReversed() // the first of them counts
      .map((entry) => [entry.template, entry]),
  ).values(),
]
export const LANGUAGES = Object.keys(TEXTS)

export const SECRETS: Secrets = {
  token: `lko_${'x'.repeat(43)}` as OneTimeToken,
  code: '042137' as SignInCode,
}

export const due = (entry: MailEntry, written = 'Plain', locale: string | null = null): DueMail => ({
  eventId: '0199aaaa-0000-7000-8000-000000000001',
  userId: '0199aaaa-0000-7000-8000-000000000002',
  entry,
  address: 'ada@example.net',
  isProved: true,
  account: 'ada@example.net',
  name: written,
  locale,
  tenant: { name: written, issuer: 'https://auth.example.net', locale: null, colour: null },
  happenedAt: new Date('2026-11-20T13:14:15Z'),
  client: {
    request_id: null,
    address: '203.0.113.0/24',
    country: written,
    city: written,
    network: written,
    // The edge has taken line breaks out of it.
    user_agent: `${written}/1.0 (${written})`.replace(/\s/gu, ' '),
  },
  announcedFor: new Date('2026-11-21T13:14:15Z'),
  endpointUrl: 'https://hooks.example.net/secret-path?and=query',
  apiKey: { name: 'Nightly backup', expiresAt: new Date('2026-12-01T00:00:00Z') },
  token: entry.link
    ? {
        id: '0199aaaa-0000-7000-8000-000000000003',
        keyId: 'k1',
        purpose: entry.link,
        hasCode: entry.link === 'sign_in',
        expiresAt: new Date('2026-11-20T13:24:15Z'),
      }
    : null,
  code: null,
})

export const secretsOf = ({ token }: DueMail): Secrets | null =>
  token && { ...SECRETS, code: token.hasCode ? SECRETS.code : null }

export const write = (mail: DueMail): Letter => writeLetter(mail, secretsOf(mail), { allowHttp: false })
