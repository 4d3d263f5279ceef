/**
 * The one canonical form of an e-mail address (CASES I04), held to its definition: ASCII of RFC 5321 without quotes, in
 * lower case. Whatever Unicode makes look alike is refused, so no two people can be taken for one another.
 */
import fc from 'fast-check'
import { safeParse } from 'valibot'
import { describe, expect, test } from 'vitest'
import { EmailAddress } from '../../src/accounts/accounts.ts'

/** @returns the canonical form, or null when it is refused */
function canonical(address: unknown): string | null {
  const parsed = safeParse(EmailAddress, address)
  return parsed.success ? parsed.output : null
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const ALPHANUMERIC = `${LOWER}${LOWER.toUpperCase()}0123456789`
/** RFC 5322 atext without its letters and digits. */
const SIGNS = "!#$%&'*+-/=?^_`{|}~"

const text = (characters: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength })

const local = fc
  .array(text(ALPHANUMERIC + SIGNS, 1, 12), { minLength: 1, maxLength: 4 })
  .map((atoms) => atoms.join('.'))
const label = fc
  .tuple(text(ALPHANUMERIC, 1, 8), text(`${ALPHANUMERIC}-`, 0, 8), text(ALPHANUMERIC, 1, 4))
  .map((parts) => parts.join(''))
const domain = fc
  .tuple(fc.array(label, { minLength: 1, maxLength: 3 }), text(LOWER, 2, 8))
  .map(([labels, top]) => [...labels, top].join('.'))
const address = fc.tuple(local, domain).map((parts) => parts.join('@'))

/** Almost addresses: a few good characters and a few that matter, in any order. */
const nearly = fc.string({ unit: fc.constantFrom(...`aZ9.@-_+"(),:;<>[\\] \t\r\n\0${SIGNS}`), maxLength: 24 })

describe('an accepted address', () => {
  test('is in lower case, and else as it was typed', () => {
    fc.assert(
      fc.property(address, (typed) => {
        expect(canonical(typed)).toBe(
          typed.replace(/[A-Z]/g, (letter) => LOWER[letter.charCodeAt(0) - 65] ?? ''),
        )
      }),
    )
  })

  test('is its own canonical form', () => {
    fc.assert(
      fc.property(fc.oneof(address, nearly), (typed) => {
        const once = canonical(typed)
        if (once !== null) expect(canonical(once)).toBe(once)
      }),
    )
  })

  test('is accepted in any case of its letters, or in none', () => {
    fc.assert(
      fc.property(fc.oneof(address, nearly), (typed) => {
        for (const other of [typed.toUpperCase(), typed.toLowerCase()])
          expect(canonical(other)).toBe(canonical(typed))
      }),
    )
  })

  test('is the same as another exactly when only the case of letters differs', () => {
    fc.assert(
      fc.property(
        address,
        fc.nat(),
        fc.constantFrom(...ALPHANUMERIC, ...SIGNS),
        (typed, place, character) => {
          const at = place % typed.length
          const other = typed.slice(0, at) + character + typed.slice(at + 1)
          const [one, two] = [canonical(typed), canonical(other)]
          if (two !== null) expect(one === two).toBe(typed.toLowerCase() === other.toLowerCase())
        },
      ),
    )
  })

  test('has one @, no blank, no quote, no list, no line break and no comment, whatever was tried', () => {
    fc.assert(
      fc.property(nearly, (typed) => {
        const form = canonical(typed)
        if (form !== null) expect(form).toMatch(/^[^\s@"(),:;<>[\\\]\0]{1,64}@[a-z0-9.-]+\.[a-z0-9-]+$/)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('ASCII', () => {
  const every = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
  const acceptedBy = (make: (character: string) => string) =>
    every.filter((character) => canonical(make(character)) !== null).join('')
  const sorted = (characters: string) => [...characters].toSorted().join('')

  test('in the local part is atext and the dot, in the domain letters, digits, hyphen and dot', () => {
    expect(acceptedBy((character) => `a${character}b@example.com`)).toBe(sorted(`${ALPHANUMERIC}${SIGNS}.`))
    expect(acceptedBy((character) => `a@b${character}c.com`)).toBe(sorted(`${ALPHANUMERIC}-.`))
  })

  const blanks = '\t\n\v\f\r '

  test('at the ends is atext, in the domain letters and digits, or a blank, which is taken away', () => {
    expect(acceptedBy((one) => `${one}b@example.com`)).toBe(sorted(`${ALPHANUMERIC}${SIGNS}${blanks}`))
    expect(acceptedBy((one) => `b${one}@example.com`)).toBe(sorted(`${ALPHANUMERIC}${SIGNS}`))
    for (const make of [(one: string) => `b@${one}b.com`, (one: string) => `b@b${one}.com`])
      expect(acceptedBy(make)).toBe(sorted(ALPHANUMERIC))
    expect(acceptedBy((one) => `b@b.com${one}`)).toBe(sorted(`${ALPHANUMERIC}${blanks}`))
  })
})

describe('Unicode', () => {
  /** What folding, mapping, stripping or a bad font would turn into ASCII. */
  const LOOK_ALIKES: Record<string, string> = {
    a: 'аɑαａ𝐚ⓐáàäâåãāạаͣª',
    b: 'Ьｂ𝐛ⓑƄ',
    c: 'сϲⅽｃ𝐜ç',
    d: 'ԁⅾｄ𝐝ď',
    e: 'еҽｅ𝐞éèëêē℮',
    g: 'ɡｇ𝐠ğ',
    h: 'һｈ𝐡',
    i: 'іıİｉ𝐢íìïⅰɩ',
    j: 'јｊ𝐣ĵ',
    k: '\u212aкｋⓀ𝐤',
    l: 'ⅼｌ𝐥ӏǀ',
    m: 'ｍⅿ𝐦',
    n: 'ոｎ𝐧ñ',
    o: 'оοօｏ𝐨óöøơ०',
    p: 'рρｐ𝐩',
    q: 'ԛｑ𝐪',
    r: 'гｒ𝐫',
    s: 'ѕſｓ𝐬ßẞ',
    t: 'ｔ𝐭ţ',
    u: 'սυｕ𝐮ü',
    v: 'ѵνⅴｖ𝐯',
    w: 'ԝｗ𝐰',
    x: 'хⅹｘ𝐱×',
    y: 'уүｙ𝐲ý',
    z: 'ｚ𝐳ᴢ',
    '.': '。．｡․﹒‧·',
    '@': '＠﹫',
    '-': '‐‑‒–—−﹣－',
    _: '＿‗',
    '1': '１𝟏¹١',
  }
  const INVISIBLE = [
    ...'\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e',
    ...'\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0f\ufeff\ufff9\u{e0001}\u{e0061}',
    ...'\u0300\u0301\u0307\u0327\u0338\u20dd\u00a0\u0085\u2028\u2029\u3000\ufffd',
    '\ud800',
    '\udc00',
  ]

  test('is refused for every code point there is, wherever it is', () => {
    const accepted: string[] = []
    for (let code = 0x80; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code)
      for (const typed of [`a${character}b@example.com`, `a@b${character}c.com`])
        if (canonical(typed) !== null) accepted.push(code.toString(16))
    }
    expect(accepted).toEqual([])
  }, 30_000)

  test('is refused instead of what it looks like, or would fold to', () => {
    for (const [letter, alike] of Object.entries(LOOK_ALIKES))
      for (const character of alike)
        for (const typed of [
          `julian-x_1@example-x1.com`.replaceAll(letter, character),
          `${letter}${character}@example.com`,
          `a@${letter}${character}.com`,
          `a@example.c${character}`,
        ])
          if (typed.includes(character))
            expect({ typed, form: canonical(typed) }).toEqual({ typed, form: null })
  })

  test('that no one sees is refused within an address, wherever it is', () => {
    fc.assert(
      fc.property(address, fc.nat(), fc.constantFrom(...INVISIBLE), (typed, place, invisible) => {
        const at = 1 + (place % (typed.length - 1))
        expect(canonical(typed.slice(0, at) + invisible + typed.slice(at))).toBeNull()
      }),
    )
  })

  test('clients 10: around an address, blanks alone are taken away, of all the code points there are', () => {
    const blanks: string[] = []
    for (let code = 0x80; code <= 0x10ffff; code++) {
      const character = String.fromCodePoint(code)
      const forms = [`${character}a@b.com`, `a@b.com${character}`].map(canonical)
      if (forms.some((form) => form !== null)) blanks.push(code.toString(16))
      if (forms.some((form) => form !== null && form !== 'a@b.com')) blanks.push(`${code.toString(16)} kept`)
    }
    const spaces = '85 a0 1680 180e 2000 2001 2002 2003 2004 2005 2006 2007 2008 2009 200a 200b 200c 200d'
    expect(blanks.join(' ')).toBe(`${spaces} 2028 2029 202f 205f 2060 3000 feff`)
  }, 30_000)

  test('clients 10: blanks around an address, of any kind and number, change nothing of what it is', () => {
    const blanks = fc.string({
      unit: fc.constantFrom(...' \t\r\n\u00a0\u200b\ufeff\u2003\u2060'),
      maxLength: 20,
    })
    fc.assert(
      fc.property(blanks, fc.oneof(address, nearly), blanks, (before, typed, after) => {
        expect(canonical(before + typed + after)).toBe(canonical(typed))
      }),
    )
  })

  test('is refused in every normal form, also where that is ASCII in another', () => {
    const words = [
      'ｊｕｌｉａｎ',
      'ﬁnn',
      '\u212bsa',
      '\u212a',
      'Ⅷ',
      '㎏',
      '℡',
      'ſ',
      'ĳ',
      'ǆ',
      'é',
      'e\u0301',
      '½',
      '²',
      'ª',
      '㏀',
    ]
    for (const word of words)
      for (const form of ['NFC', 'NFD', 'NFKD'] as const) {
        const written = word.normalize(form)
        if (/^[\0-\x7f]*$/.test(written)) continue // ASCII is what it now is, and no one else's
        for (const typed of [`${written}@example.com`, `a@${written}.com`])
          expect(canonical(typed)).toBeNull()
      }
  })

  test('in a domain is given as its A-label, which is never taken for the U-label or for what that looks like', () => {
    const domains: [string, string][] = [
      ['münchen.de', 'xn--mnchen-3ya.de'],
      ['straße.de', 'xn--strae-oqa.de'],
      ['аррӏе.com', 'xn--80ak6aa92e.com'],
      ['例え.テスト', 'xn--r8jz45g.xn--zckzah'],
      ['i̇stanbul.com', 'xn--istanbul-1wd.com'],
    ]
    for (const [unicode, ascii] of domains) {
      expect(canonical(`a@${unicode}`)).toBeNull()
      expect(canonical(`A@${ascii.toUpperCase()}`)).toBe(`a@${ascii}`)
    }
    const forms = [
      ...domains.map(([, ascii]) => ascii),
      'strasse.de',
      'apple.com',
      'istanbul.com',
      'munchen.de',
    ]
    expect(new Set(forms.map((ascii) => canonical(`a@${ascii}`))).size).toBe(forms.length)
    // ASCII in Punycode: a second spelling of `example`, if anyone decoded it.
    expect(canonical('a@xn--example-.com')).toBeNull()
  })
})

describe('lengths', () => {
  const ofLength = (total: number) =>
    `${'a'.repeat(64)}@${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(total - 197)}.com`

  test.each([
    ['a local part of 64', 'accepted', `${'a'.repeat(64)}@x.com`],
    ['a local part of 65', 'refused', `${'a'.repeat(65)}@x.com`],
    ['254 characters', 'accepted', ofLength(254)],
    ['255 characters', 'refused', ofLength(255)],
    ['a label of 63', 'accepted', `a@${'b'.repeat(63)}.com`],
    ['a label of 64', 'refused', `a@${'b'.repeat(64)}.com`],
    ['one character each', 'accepted', 'a@b.c'],
    ['nothing before the @', 'refused', '@b.c'],
    ['nothing after the @', 'refused', 'a@'],
    ['nothing', 'refused', ''],
  ])('%s is %s', (_, outcome, typed) => {
    expect(canonical(typed)).toBe(outcome === 'accepted' ? typed : null)
  })

  test('clients 10: twice the length may be typed, and no more is looked at', () => {
    const longest = ofLength(254)
    expect(canonical(`${' '.repeat(127)}${longest}${'\u00a0'.repeat(127)}`)).toBe(longest)
    expect(canonical(`${' '.repeat(508 - 5)}a@b.c`)).toBe('a@b.c')
    expect(canonical(`${' '.repeat(509 - 5)}a@b.c`)).toBeNull()
    expect(canonical(`${ofLength(255)} `)).toBeNull()
  })

  test('the lengths of these are what their names say', () => {
    expect([ofLength(254).length, ofLength(255).length]).toEqual([254, 255])
  })

  test('no address beyond 254 or 64 is accepted', () => {
    const long = fc.tuple(
      text(ALPHANUMERIC, 50, 80),
      fc.array(text(LOWER, 30, 63), { minLength: 2, maxLength: 5 }),
    )
    fc.assert(
      fc.property(long, ([name, labels]) => {
        const typed = `${name}@${labels.join('.')}`
        expect(canonical(typed) !== null).toBe(typed.length <= 254 && name.length <= 64)
      }),
    )
  })
})

test('whatever is no text is no address', () => {
  fc.assert(
    fc.property(
      fc.anything().filter((value) => typeof value !== 'string'),
      (value) => {
        expect(canonical(value)).toBeNull()
      },
    ),
  )
})
