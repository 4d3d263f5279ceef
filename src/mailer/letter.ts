/** What a mail says, in the reader's language, before it is a text part and an HTML part: both are made from one letter. */

import type { EventClient } from '../events/catalogue.ts'
import type { OneTimeToken, SignInCode } from '../one-time/one-time-token.ts'
import { type OneTimePurpose, PURPOSES } from '../one-time/purposes.ts'
import { deviceLabel } from '../sessions/device.ts'
import { COLOUR } from '../tenants/colours.ts'
import { type Inert, inert } from './inert.ts'
import { chooseLanguage, type Language } from './languages/languages.ts'
import type { Fact, MailEntry } from './mails.ts'

/** Everything that a mail is written from, as it is when it is sent. */
export type DueMail = {
  eventId: string
  userId: string
  entry: MailEntry
  /** Where it goes, and whether the account has proved that this address is its own. */
  address: string
  isProved: boolean
  /** The address that the account has. */
  account: string | null
  name: string | null
  locale: string | null
  tenant: { name: string; issuer: string; locale: string | null; colour: string | null }
  happenedAt: Date
  client: EventClient | null
  endpointUrl: string | null
  apiKey: { name: string; expiresAt: Date } | null
  token: DueToken | null
  /** When something that was announced is to happen. */
  announcedFor: Date | null
  /** What the code of a second step is derived from, where the mail has one. */
  code: { id: string; keyId: string } | null
}

/** The row of a one-time token: enough to make it again. */
export type DueToken = {
  id: string
  keyId: string
  purpose: OneTimePurpose
  hasCode: boolean
  expiresAt: Date
}

/** What opens something: made for the letter, and nowhere else. */
export type Secrets = { token: OneTimeToken | null; code: SignInCode | null }

export type Letter = {
  language: string
  subject: string
  tenant: Inert
  /** Of the tenant, `#rrggbb`; null where it has chosen none. */
  colour: string | null
  paragraphs: string[]
  code: { label: string; value: string } | null
  link: { label: string; url: string; asText: string } | null
  facts: { label: string; value: Inert }[]
  reason: string
  howToStop: string | null
  /** The tenant's own origin; null when it is none that may be linked to. */
  origin: string | null
}

/**
 * @param secrets of the mail's token, where it has one
 * @param allowHttp on the local stack alone: the tenant's origin may be plain http there
 */
export function writeLetter(
  due: DueMail,
  secrets: Secrets | null,
  { allowHttp }: { allowHttp: boolean },
): Letter {
  const language = chooseLanguage([due.locale, due.tenant.locale])
  const { texts, tag } = language
  const tenant = inert(due.tenant.name)
  const { subject, paragraphs } = texts.mails[due.entry.template]
  const origin = ownOrigin(due.tenant.issuer, allowHttp)
  // Anyone can choose a name: it must not carry a stranger's text to an address that is not verified.
  const name = due.isProved && due.name !== null ? inert(due.name) : null
  return {
    language: tag,
    subject: subject(tenant),
    tenant,
    colour: due.tenant.colour !== null && COLOUR.test(due.tenant.colour) ? due.tenant.colour : null,
    paragraphs: [texts.greeting(name), ...paragraphs(tenant)],
    code: secrets?.code ? { label: texts.code, value: secrets.code } : null,
    link: writeLink(due, secrets, origin, language),
    facts: due.entry.facts.flatMap((fact) => {
      const value = describe(fact, due, language)
      return value ? [{ label: texts.facts[fact], value: inert(value) }] : []
    }),
    reason: due.isProved ? texts.reason(tenant) : texts.reasonUnproved(tenant),
    howToStop: due.entry.kind === 'operational' ? texts.howToStop : null,
    origin,
  }
}

/** @throws where there must be a link and can be none: such a mail would be of no use */
function writeLink(
  { entry }: DueMail,
  secrets: Secrets | null,
  origin: string | null,
  { texts }: Language,
): Letter['link'] {
  if (!entry.link) return null
  if (!secrets?.token || origin === null) throw new Error('the mail needs a link and has none')
  const url = `${origin}${PURPOSES[entry.link].path}?token=${secrets.token}`
  return { label: texts.mails[entry.template].action, url, asText: texts.linkAsText }
}

function describe(fact: Fact, due: DueMail, language: Language): string | null | undefined {
  const { happenedAt, client, endpointUrl, apiKey, account, token, announcedFor } = due
  switch (fact) {
    case 'time':
      return writeTime(happenedAt, language)
    case 'device':
      return deviceLabel(client?.user_agent ?? null)
    case 'place': {
      const parts = [client?.city, client?.country && writeCountry(client.country, language)]
      return parts.filter(Boolean).join(', ')
    }
    case 'account':
      return account && mask(account)
    case 'until':
      return token && writeTime(token.expiresAt, language)
    case 'due':
      return announcedFor && writeTime(announcedFor, language)
    case 'endpoint':
      // Its host alone: the path of a webhook often is its secret.
      return endpointUrl && URL.parse(endpointUrl)?.host
    case 'api_key':
      return apiKey?.name
    case 'api_key_ends':
      return apiKey && writeTime(apiKey.expiresAt, language)
  }
}

const writeTime = (time: Date, { formats }: Language) =>
  `${new Intl.DateTimeFormat(formats, { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' }).format(time)} UTC`

/** @param country ISO 3166-1; Cloudflare also says `T1` for Tor, which is no region */
const writeCountry = (country: string, { formats }: Language) =>
  /^[A-Z]{2}$/.test(country) ? new Intl.DisplayNames(formats, { type: 'region' }).of(country) : country

/** Enough for its owner to know it again: `a***@example.net`. */
const mask = (address: string) => address.replace(/^([^@]?)[^@]*/, '$1***')

/** Of a row of ours, and still checked: whatever it says, a mail links to an https origin and to nothing else. */
function ownOrigin(issuer: string, allowHttp: boolean): string | null {
  const url = URL.parse(issuer)
  return url && (url.protocol === 'https:' || (allowHttp && url.protocol === 'http:')) ? url.origin : null
}

/** The text part. */
export function renderText({ paragraphs, code, link, facts, reason, howToStop, origin }: Letter): string {
  const parts = [
    ...paragraphs,
    code && `${code.label}\n${code.value}`,
    link && `${link.label}:\n${link.url}`,
    facts.map(({ label, value }) => `${label}: ${value}`).join('\n'),
    `-- \n${[reason, howToStop, origin].filter(Boolean).join('\n')}`,
  ]
  return `${parts.filter(Boolean).join('\n\n')}\n`
}
