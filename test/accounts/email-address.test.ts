/**
 * What becomes of an address that is accepted: byte for byte the same text in every answer, in `users.email` and on the
 * mail, and one account for it, however it is typed.
 */
import { globSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { nextMinute, reuse, useMailStage } from '../support/mail-stage.ts'

const stage = useMailStage()

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'
const SIGNS = "!#$%&'*+-/=?^_`{|}~"

const text = (characters: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength })

/** Addresses with everything in them that is accepted, each seen once. */
const addresses = fc
  .tuple(
    text(LETTERS + LETTERS.toUpperCase() + SIGNS, 4, 20),
    text(`${LETTERS}0123456789`, 8, 12),
    fc.constantFrom('Example.COM', 'xn--MNCHEN-3ya.de', 'a-b.c.example.net'),
  )
  .map(([one, other, domain]) => `${one}.${other}@${domain}`)

/** The bytes that PostgreSQL keeps. */
async function storedBytes(userId: string): Promise<unknown> {
  const [row] = await stage().service.sql(
    `select encode(convert_to(email, 'UTF8'), 'hex') as bytes from users where id = $1`,
    [userId],
  )
  return row?.bytes
}

const hexOf = (written: string) => Buffer.from(written, 'utf8').toString('hex')

test('an accepted address is answered, stored and mailed to in the same bytes, and finds its account in any case', async () => {
  const client = await newClient(stage().service)
  const all = fc.sample(addresses, { numRuns: 12, seed: 20_261_121 })
  for (const typed of all) {
    const canonical = typed.toLowerCase()
    const { status, body } = await client.register(typed)
    expect({ typed, status, email: body.user?.email }).toEqual({ typed, status: 201, email: canonical })
    expect(await storedBytes(body.user.id)).toBe(hexOf(canonical))
    expect((await client.login(typed.toUpperCase())).body.user?.id, typed).toBe(body.user.id)
    expectProblem(await client.register(canonical, 'another password'), 'email_taken')
    await reuse(stage(), { client, id: body.user.id, email: canonical })
  }
  await stage().service.consume()
  await nextMinute(stage())
  const mailed = stage().provider.calls()
  const canonical = all.map((typed) => hexOf(typed.toLowerCase()))
  expect(mailed.map(({ to }) => hexOf(to)).toSorted()).toEqual(canonical.toSorted())
}, 60_000)

describe('two addresses that are accepted as different', () => {
  const pairs: [string, string, string][] = [
    ['by a dot', 'ada.l', 'adal'],
    ['by a tag', 'ada+l', 'ada'],
    ['as a pattern of LIKE and a match', 'a_a', 'aza'],
    ['as another pattern of LIKE and a match', 'a%', 'ada'],
    ['as a pattern of SIMILAR TO and a match', 'a|b', 'a'],
    ['by a sign that SQL quotes with', "ad'a", 'ada'],
    ['by two signs that SQL quotes with', "ad''a", "ad'a"],
    ['by a sign that ends a C string in some mail servers', 'ada%00', 'ada'],
    ['by a route of old mail servers', 'ada%example.org', 'ada'],
    ['by a path of UUCP', 'example.org!ada', 'ada'],
    ['by how the same letters would be encoded for a URL', 'ad%61', 'ada'],
    ['by an entity of HTML', 'ad&#97', 'ada'],
    ['by ss that is no sharp s', 'strasse', 'strae'],
  ]
  test.each(pairs)('%s are two accounts: %s and %s', async (_, one, other) => {
    const client = await newClient(stage().service)
    const domain = `${crypto.randomUUID()}.example.com`
    const first = await client.register(`${one}@${domain}`)
    const second = await client.register(`${other}@${domain}`, 'another password')
    expect([first.status, second.status]).toEqual([201, 201])
    expect(first.body.user.id).not.toBe(second.body.user.id)
    expect(await storedBytes(first.body.user.id)).toBe(hexOf(`${one}@${domain}`))
    expect(await storedBytes(second.body.user.id)).toBe(hexOf(`${other}@${domain}`))
    expectProblem(await client.login(`${one}@${domain}`, 'another password'), 'invalid_credentials')
    expectProblem(await client.login(`${other}@${domain}`, PASSWORD), 'invalid_credentials')
    expect((await client.login(`${one}@${domain}`)).body.user?.id).toBe(first.body.user.id)
  })

  test('by one character are two accounts, whichever it is', async () => {
    const client = await newClient(stage().service)
    const name = crypto.randomUUID()
    const characters = [...LETTERS.slice(0, 6), ...SIGNS]
    const ids = []
    for (const character of characters) {
      const { body } = await client.register(`${name}${character}@example.com`)
      expect(await storedBytes(body.user.id)).toBe(hexOf(`${name}${character}@example.com`))
      ids.push(body.user.id)
    }
    expect(new Set(ids).size).toBe(characters.length)
  })
})

test('an address that looks like an account is refused and reaches nothing of it', async () => {
  const client = await newClient(stage().service)
  const email = `julian.${newEmail()}`
  const { body } = await client.register(email)
  for (const alike of [
    email.replace('julian', 'juli\u00e1n'),
    email.replace('julian', 'julia\u0301n'),
    email.replace('julian', 'jul\u0131an'),
    email.replace('julian', 'JUL\u0130AN'),
    email.replace('julian', 'j\u03c5lian'),
    email.replace('julian', 'juli\u0430n'),
    email.replace('julian', '\uff4a\uff55\uff4c\uff49\uff41\uff4e'),
    email.replace('julian', 'jul\u200bian'),
    email.replace('@', '\uff20'),
    email.replace('example', 'ex\u0430mple'),
    email.replace('.com', '\u3002com'),
    `\u202e${email}`,
    `${email}\u200f`,
  ])
    for (const call of [client.register(alike, 'another password'), client.login(alike)])
      expect((await call).body).toMatchObject({ errors: [{ pointer: '/email', code: 'invalid_email' }] })
  expect(await stage().service.sql('select id from users where tenant_id = $1', [client.tenant.id])).toEqual([
    { id: body.user.id },
  ])
  await nextMinute(stage())
  expect(stage().provider.calls()).toEqual([])
})

/** What no test of one operation can see: the next operation, and the next query. */
describe('the code', () => {
  const sources = globSync('src/**/*.ts').map((file) => ({ file, text: readFileSync(file, 'utf8') }))
  const places = (pattern: RegExp) =>
    sources.flatMap(({ file, text: source }) =>
      [...source.matchAll(pattern)].map(([found]) => `${file}: ${found}`),
    )

  test('reads every field `email` of a body by the one function', () => {
    // What a provider said is answered as it was, and what a password manager wants in a form is not read.
    const unread = / email: (v\.nullable\(v\.string\(\)\)|v\.optional\(text\(320\)\)),$/
    const fields = places(/^ {2,}(new_)?email: (v\.|text\(|\w*Email\w*,).*$/gm).filter(
      (place) => /\.(route|page)\.ts/.test(place) && !unread.test(place),
    )
    expect(fields.length).toBeGreaterThan(1)
    for (const field of fields) expect(field).toMatch(/: {2,}(new_)?email: EmailAddress,$/)
  })

  test('gives the brand of a canonical address in one place, and folds no address anywhere else', () => {
    // The column holds no other form, so what is read from it is one too; and '' is none at all.
    const given = places(/\S+ as CanonicalEmail/g).filter(
      (place) => !/(([uU]ser\??|found)\.email|'') as/.test(place),
    )
    expect(given).toEqual(['src/accounts/accounts.ts: address.toLowerCase() as CanonicalEmail'])
    expect(places(/(lower|upper|unaccent|citext)\s*\(\s*\$?\{?[\w.]*email/gi)).toEqual([])
    expect(places(/email[\w)]*\s+(i?like|similar to|~\*?)\s/gi)).toEqual([])
    const folded = places(/email\w*\??\.(toLowerCase|toUpperCase|normalize|trim|toLocale\w+)\(/gi)
    // Google's word on a domain is compared with Google's word on an address.
    expect(folded).toEqual(['src/social/kinds/google.ts: email.toLowerCase('])
  })
})
