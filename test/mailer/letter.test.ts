/**
 * What strangers wrote comes out inert (CASES I05): the HTML part's tree is the template's whatever they wrote, and nothing
 * in either part is a link of theirs.
 */
import { describe, expect, test } from 'vitest'
import { renderHtml } from '../../src/mailer/html.tsx'
import { inert } from '../../src/mailer/inert.ts'
import { type DueMail, renderText, writeLetter } from '../../src/mailer/letter.ts'
import type { MailEntry } from '../../src/mailer/mails.ts'
import { PURPOSES } from '../../src/one-time/purposes.ts'
import { due, ENTRIES, LANGUAGES, SECRETS, write } from '../support/letters.ts'
import { flat, linksOf, shownText, treeOf } from '../support/mail-parts.ts'

const linkOf = ({ link }: MailEntry) =>
  link ? [`https://auth.example.net${PURPOSES[link].path}?token=${SECRETS.token}`] : []

const CORPUS = [
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><a href="https://evil.example">click</a>',
  "' onmouseover='alert(1)",
  '</title><script>alert(1)</script>',
  '</p></td></table><form action=https://evil.example><input name=password>',
  '<!-- --><svg/onload=alert(1)>',
  '&lt;script&gt;&#60;script&#62;',
  '<style>*{display:none}</style>',
  '<base href="https://evil.example/">',
  '<meta http-equiv=refresh content="0;url=https://evil.example">',
  '<?php echo 1 ?><![CDATA[x]]>',
  'Ada\r\nBcc: victim@evil.example\r\n\r\nbody',
  'Ada\u2028Subject: x\u2029\u0085next',
  'Reset here: https://evil.example/login?a=1#b',
  'evil.example/login',
  'www.evil.example',
  'evil。example and evil．example and evil․example',
  'javascript:alert(1)',
  'mailto:victim@evil.example',
  'data:text/html,<script>alert(1)</script>',
  'ev\u200bil.\u200bexample',
  'evil\u2060.\u2060example',
  '\u202egnp.exe\u202c \u2066x\u2069 \u061c\u200f',
  '\u001b[31mred\u0007\u0000',
  '\ud800 lone \udfff',
  '\u{e0041}\u{e0042}tags',
  '={{constructor.constructor("alert(1)")()}} <%= 7*7 %> #{7*7}',
  '`<svg/onload=alert(1)>`',
  'x'.repeat(5000),
  '\\"\\u003cscript\\u003e',
]

/** Whatever a program may take for a link: a scheme, `www.`, an address, or a dot between two letters. */
const LINK = /[a-z][a-z0-9+.-]*:\S|www\.\S|\S@\S|\p{L}[.\u2024\u3002\uff0e\uff61]\p{L}/iu
const INVISIBLE = /[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}|\p{Cs}/u

/** The parts without the links that are ours. */
const strangers = (text: string, entry: MailEntry) =>
  [...linkOf(entry), 'https://auth.example.net'].reduce((rest, link) => rest.replaceAll(link, ''), text)

describe.each(ENTRIES)('$template', (entry) => {
  test.each(CORPUS)('has the tree of its template, whatever anyone is called: %j', (hostile) => {
    for (const locale of LANGUAGES) {
      const letter = write(due(entry, hostile, locale))
      const html = renderHtml(letter)
      expect(treeOf(html)).toEqual(treeOf(renderHtml(write(due(entry, 'Plain', locale)))))
      const links = [...linkOf(entry), 'https://auth.example.net'].map((url) => ['href', url])
      expect(linksOf(html)).toEqual(links)
      const text = renderText(letter)
      for (const said of [text, letter.subject]) {
        expect(strangers(said, entry)).not.toMatch(LINK)
        expect(said).not.toMatch(INVISIBLE)
      }
      expect(letter.subject).not.toMatch(/[\r\n]/)
      expect(text.split('\n').filter((line) => /^(bcc|subject|to):/i.test(line))).toEqual([])
    }
  })

  test.each(LANGUAGES)('says the same in both parts, in %s, and what is secret in no subject', (locale) => {
    const letter = write(due(entry, 'Ada & Söhne', locale))
    const text = renderText(letter)
    const html = renderHtml(letter)
    const { code, link } = letter
    const once = [code?.value, link?.url].filter((said) => said !== undefined)
    expect(once).toEqual([...(entry.link === 'sign_in' ? [SECRETS.code] : []), ...linkOf(entry)])
    const said = [
      ...letter.paragraphs,
      ...letter.facts.flatMap(({ label, value }) => [label, value]),
      ...[code?.label, link?.label, letter.reason, letter.howToStop].filter((one) => typeof one === 'string'),
    ]
    for (const sentence of [...said, ...once]) {
      expect(text).toContain(sentence)
      expect(shownText(html)).toContain(sentence)
    }
    for (const secret of once) expect(text.split(secret)).toHaveLength(2)
    expect(letter.subject).not.toMatch(/lko_|042137/)
    expect(text + html).not.toMatch(/secret-path|and=query|203\.0\.113/)
    expect(letter.howToStop === null, 'only what is not about security can be turned off').toBe(
      entry.kind === 'security',
    )
    expect(flat(treeOf(html))[0]?.attributes).toEqual({ lang: locale })
  })

  test('names no one to an address that the account has not proved', () => {
    const letter = write({ ...due(entry, 'Hostile Text'), isProved: false, tenant: tenantOf('Acme') })
    expect(renderText(letter) + letter.subject + renderHtml(letter)).not.toMatch(/Hello Hostile Text/)
    expect(letter.paragraphs[0]).toBe('Hello,')
    expect(letter.reason).toBe('You receive this email because this email address was entered at Acme.')
  })
})

const tenantOf = (name: string) => ({ name, issuer: 'https://auth.example.net', locale: null, colour: null })

const notice = ENTRIES.find(({ template }) => template === 'session_ended')

test('only what is about webhooks and keys that end can be turned off', () => {
  const isOperational = ({ kind }: MailEntry) => kind === 'operational'
  expect(
    ENTRIES.filter(isOperational)
      .map(({ template }) => template)
      .toSorted(),
  ).toEqual(['api_key_expiring', 'delivery_dead', 'endpoint_disabled'])
})

test('every template is written in words of its own, in each language', () => {
  for (const locale of LANGUAGES) {
    const letters = ENTRIES.map((entry) => write(due(entry, 'Acme', locale)))
    expect(new Set(letters.map(({ subject }) => subject)).size).toBe(ENTRIES.length)
    expect(new Set(letters.map(({ paragraphs }) => paragraphs.join())).size).toBe(ENTRIES.length)
  }
})

describe('facts', () => {
  const factsOf = (entry: MailEntry, change: Partial<DueMail>) =>
    Object.fromEntries(write({ ...due(entry), ...change }).facts.map(({ label, value }) => [label, value]))
  const [confirm] = ENTRIES.filter(({ template }) => template === 'confirm_new_email')
  const [reset] = ENTRIES.filter(({ template }) => template === 'reset_password')
  if (!confirm || !reset) throw new Error('no mails')

  test.each([
    ['ada@example.net', 'a***@ example. net'],
    ['a@example.net', 'a***@ example. net'],
    ["o'brien+x@sub.example.net", 'o***@ sub. example. net'],
  ])('an account of %s is %s to the address that it is to have', (account, masked) => {
    const facts = factsOf(confirm, { account, address: 'new@example.org', isProved: false })
    expect(facts).toMatchObject({ Account: masked })
    expect(Object.keys(facts)).toEqual(['Account', 'Link expires'])
  })

  test('say until when a link works', () => {
    expect(factsOf(reset, {})).toMatchObject({
      Time: 'November 20, 2026 at 1:14:15 PM UTC',
      'Link expires': 'November 20, 2026 at 1:24:15 PM UTC',
    })
  })

  test.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    ['Call 0900 123 456 to keep your account/1.0 (x) y', undefined],
    ['Call 0900 on Linux/1.0 (X11; Linux) y', undefined],
    ['curl/8.1', undefined],
    ['', undefined],
  ])('name a device that is known, and nothing that a caller wrote: %j', (userAgent, device) => {
    const { client } = due(reset)
    const facts = factsOf(reset, { client: client && { ...client, user_agent: userAgent } })
    expect(facts.Device).toBe(device)
  })
})

describe('links', () => {
  const entry = notice
  test.each([
    ['http://auth.example.net', null],
    ['javascript:alert(1)', null],
    ['data:text/html,x', null],
    ['no url', null],
    ['https://auth.example.net/path?query#part', 'https://auth.example.net'],
    ['https://user:secret@auth.example.net', 'https://auth.example.net'],
    ['https://"><script>', null],
  ])('to the origin of a tenant whose issuer is %s: %s', (issuer, origin) => {
    if (!entry) throw new Error('no mails')
    const mail = due(entry)
    const letter = write({ ...mail, tenant: { ...mail.tenant, issuer } })
    expect(letter.origin).toBe(origin)
    expect(renderHtml(letter).includes('<a href')).toBe(origin !== null)
  })

  test('a mail that is for its link is not written without one', () => {
    for (const one of ENTRIES.filter(({ link }) => link)) {
      const mail = due(one)
      expect(() => write({ ...mail, tenant: { ...mail.tenant, issuer: 'javascript:alert(1)' } })).toThrow()
      expect(() => writeLetter(mail, null, { allowHttp: false })).toThrow()
    }
  })
})

describe('inert', () => {
  test.each([
    ['Ada Lovelace', 'Ada Lovelace'],
    ["O'Brien & Söhne GmbH", "O'Brien & Söhne GmbH"],
    ['J.R.R. Tolkien', 'J. R. R. Tolkien'],
    ['Acme Inc.', 'Acme Inc.'],
    ['李小龍', '李小龍'],
    ['evil.com', 'evil. com'],
    ['https://evil.com', 'https: //evil. com'],
    ['a@evil.com', 'a@ evil. com'],
    ['a\r\n b', 'a b'],
    ['at 12:30', 'at 12:30'],
    ['tel:+1900', 'tel: +1900'],
    ['tel:1900', 'tel: 1900'],
    ['', ''],
  ])('%j reads %j', (from, to) => {
    expect(inert(from)).toBe(to)
    expect(inert(inert(from)), 'and once more the same').toBe(to)
  })

  test('is never long', () => {
    expect(Array.from(inert('👩'.repeat(1000)))).toHaveLength(80)
  })
})

describe('languages', () => {
  const entry = notice
  const written = (locale: string | null, ofTenant: string | null = null) => {
    if (!entry) throw new Error('no mails')
    const mail = due(entry)
    return write({ ...mail, locale, tenant: { ...mail.tenant, locale: ofTenant } })
  }

  test.each([
    ['de', null, 'de'],
    ['de-CH', null, 'de'],
    ['de-Latn-DE-1996', null, 'de'],
    ['en-GB', 'de', 'en'],
    ['tlh', null, 'en'],
    ['tlh', 'de', 'de'],
    [null, 'de-AT', 'de'],
    [null, null, 'en'],
    ['not a tag', 'neither is this', 'en'],
    ['den', null, 'en'],
  ])('a person who set %s at a tenant that set %s reads %s', (locale, ofTenant, language) => {
    const letter = written(locale, ofTenant)
    expect(letter.language).toBe(language)
    expect(letter.subject).toMatch(language === 'de' ? /^Eine Ihrer Sitzungen/ : /^We ended/)
    expect(flat(treeOf(renderHtml(letter)))[0]?.attributes).toEqual({ lang: language })
  })

  test('dates and countries are written as the reader writes them', () => {
    const factsOf = (locale: string) => {
      if (!entry) throw new Error('no mails')
      const mail = due(entry)
      const client = mail.client && { ...mail.client, country: 'DE', city: 'Köln' }
      return write({ ...mail, locale, client }).facts.map(({ value }) => value)
    }
    expect(factsOf('de')).toEqual(
      expect.arrayContaining(['20. November 2026 um 13:14:15 UTC', 'Köln, Deutschland']),
    )
    expect(factsOf('en-GB')).toEqual(
      expect.arrayContaining(['20 November 2026 at 13:14:15 UTC', 'Köln, Germany']),
    )
  })
})
