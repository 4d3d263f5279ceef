/** What a mail says, in the reader's language, before it is a text part and an HTML part: both are made from one letter. */
import type { EventClient } from '../events/catalogue.ts'
import { deviceLabel } from '../sessions/device.ts'
import { type Inert, inert } from './inert.ts'
import { chooseLanguage, type Language } from './languages/languages.ts'
import type { Fact, MailEntry } from './mails.ts'

/** Everything that a mail is written from, as it is when it is sent. */
export type DueMail = {
  eventId: string
  userId: string
  entry: MailEntry
  email: string
  name: string | null
  locale: string | null
  tenant: { name: string; issuer: string; locale: string | null }
  happenedAt: Date
  client: EventClient | null
  endpointUrl: string | null
}

export type Letter = {
  language: string
  subject: string
  paragraphs: string[]
  facts: { label: string; value: Inert }[]
  reason: string
  /** The tenant's own origin; null when it is none that may be linked to. */
  origin: string | null
}

/** @param allowHttp on the local stack alone: the tenant's origin may be plain http there */
export function writeLetter(due: DueMail, { allowHttp }: { allowHttp: boolean }): Letter {
  const language = chooseLanguage([due.locale, due.tenant.locale])
  const { texts, tag } = language
  const tenant = inert(due.tenant.name)
  const { subject, paragraphs } = texts.mails[due.entry.template]
  return {
    language: tag,
    subject: subject(tenant),
    paragraphs: [texts.greeting(due.name === null ? null : inert(due.name)), ...paragraphs(tenant)],
    facts: due.entry.facts.flatMap((fact) => {
      const value = describe(fact, due, language)
      return value ? [{ label: texts.facts[fact], value: inert(value) }] : []
    }),
    reason: texts.reason(tenant),
    origin: ownOrigin(due.tenant.issuer, allowHttp),
  }
}

function describe(fact: Fact, { happenedAt, client, endpointUrl }: DueMail, language: Language) {
  switch (fact) {
    case 'time':
      return writeTime(happenedAt, language)
    case 'device':
      return deviceLabel(client?.user_agent ?? null)
    case 'place': {
      const parts = [client?.city, client?.country && writeCountry(client.country, language)]
      return parts.filter(Boolean).join(', ')
    }
    case 'endpoint':
      // Its host alone: the path of a webhook often is its secret.
      return endpointUrl && URL.parse(endpointUrl)?.host
  }
}

const writeTime = (time: Date, { formats }: Language) =>
  `${new Intl.DateTimeFormat(formats, { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' }).format(time)} UTC`

/** @param country ISO 3166-1; Cloudflare also says `T1` for Tor, which is no region */
const writeCountry = (country: string, { formats }: Language) =>
  /^[A-Z]{2}$/.test(country) ? new Intl.DisplayNames(formats, { type: 'region' }).of(country) : country

/** Of a row of ours, and still checked: whatever it says, a mail links to an https origin and to nothing below it. */
function ownOrigin(issuer: string, allowHttp: boolean): string | null {
  const url = URL.parse(issuer)
  return url && (url.protocol === 'https:' || (allowHttp && url.protocol === 'http:')) ? url.origin : null
}

/** The text part. */
export function renderText({ paragraphs, facts, reason, origin }: Letter): string {
  const listed = facts.map(({ label, value }) => `${label}: ${value}`).join('\n')
  const foot = origin === null ? reason : `${reason}\n${origin}`
  return `${[...paragraphs, listed, `-- \n${foot}`].filter(Boolean).join('\n\n')}\n`
}
