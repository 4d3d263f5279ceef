/** What strangers wrote comes out inert: the HTML part's tree is the template's whatever they wrote, and nothing in either part is a link of theirs. */
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import { describe, expect, test } from 'vitest'
import { renderHtml } from '../../src/mail/html.tsx'
import { inert } from '../../src/mail/inert.ts'
import { type DueMail, type Letter, renderText, writeLetter } from '../../src/mail/letter.ts'
import { MAILS, type MailEntry } from '../../src/mail/mails.ts'

const ENTRIES: MailEntry[] = Object.values(MAILS)

const due = (entry: MailEntry, written = 'Plain'): DueMail => ({
  eventId: '0199aaaa-0000-7000-8000-000000000001',
  userId: '0199aaaa-0000-7000-8000-000000000002',
  entry,
  email: 'ada@example.net',
  name: written,
  locale: null,
  tenant: { name: written, issuer: 'https://auth.example.net', locale: null },
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
  endpointUrl: 'https://hooks.example.net/secret-path?and=query',
})

const write = (mail: DueMail): Letter => writeLetter(mail, { allowHttp: false })

type Tree = { tag: string; attributes: Record<string, string>; children: Tree[] }

/** Elements and attributes; text is what may differ. */
function treeOf(node: DefaultTreeAdapterTypes.Node): Tree[] {
  if ('data' in node) throw new Error(`a comment: ${node.data}`)
  if (!('childNodes' in node)) return []
  const children = node.childNodes.flatMap(treeOf)
  if (!('attrs' in node)) return children
  const attributes = Object.fromEntries(node.attrs.map(({ name, value }) => [name, value]))
  return [{ tag: node.tagName, attributes, children }]
}

const flat = (trees: Tree[]): Tree[] => trees.flatMap((tree) => [tree, ...flat(tree.children)])

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

/** The parts without the one link that is ours. */
const strangers = (text: string) => text.replaceAll('https://auth.example.net', '')

describe.each(ENTRIES)('$template', (entry) => {
  test.each(CORPUS)('has the tree of its template, whatever anybody is called: %j', (hostile) => {
    const plain = treeOf(parse(renderHtml(write(due(entry)))))
    const letter = write(due(entry, hostile))
    const html = renderHtml(letter)
    const tree = treeOf(parse(html))
    expect(tree).toEqual(plain)
    const links = flat(tree).flatMap(({ attributes }) =>
      Object.entries(attributes).filter(([name]) => /href|src|action|background|url|^on/.test(name)),
    )
    expect(links).toEqual([['href', 'https://auth.example.net']])
    const text = renderText(letter)
    for (const said of [text, letter.subject]) {
      expect(strangers(said)).not.toMatch(LINK)
      expect(said).not.toMatch(INVISIBLE)
    }
    expect(letter.subject).not.toMatch(/[\r\n]/)
    expect(text.split('\n').filter((line) => /^(bcc|subject|to):/i.test(line))).toEqual([])
  })

  test('says the same in both parts, and nothing of where the endpoint keeps its secret', () => {
    const letter = write(due(entry, 'Ada & Söhne'))
    const text = renderText(letter)
    const html = renderHtml(letter)
    for (const sentence of [...letter.paragraphs, ...letter.facts.map(({ value }) => value), letter.reason]) {
      expect(text).toContain(sentence)
      expect(html).toContain(sentence.replaceAll('&', '&amp;'))
    }
    expect(text + html).not.toMatch(/secret-path|and=query|203\.0\.113/)
  })
})

describe('links', () => {
  const [entry] = ENTRIES
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
  const [entry] = ENTRIES
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
    ['fr', null, 'en'],
    ['fr', 'de', 'de'],
    [null, 'de-AT', 'de'],
    [null, null, 'en'],
    ['not a tag', 'neither is this', 'en'],
    ['den', null, 'en'],
  ])('a person who set %s at a tenant that set %s reads %s', (locale, ofTenant, language) => {
    const letter = written(locale, ofTenant)
    expect(letter.language).toBe(language)
    expect(letter.subject).toMatch(language === 'de' ? /^Eine Ihrer Sitzungen/ : /^We ended/)
    expect(flat(treeOf(parse(renderHtml(letter))))[0]?.attributes).toEqual({ lang: language })
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
