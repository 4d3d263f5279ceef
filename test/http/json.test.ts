/** `parseJson` against `JSON.parse`: the same values, less duplicate keys and deep nesting; in linear time. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../src/http/json.ts'

const DEPTH = 6

/** What a text should become, found in another way: a text with more members than its value gave one of them twice. */
function expected(text: string): ReturnType<typeof parseJson> | { problem: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: 'not_json' }
  }
  const outside = text.replace(/"(\\.|[^"\\])*"/g, '""')
  let depth = 0
  let deepest = 0
  for (const character of outside) {
    depth += '{['.includes(character) ? 1 : '}]'.includes(character) ? -1 : 0
    deepest = Math.max(deepest, depth)
  }
  const isDouble = outside.split(':').length - 1 !== countMembers(value)
  if (deepest > DEPTH && isDouble) return { problem: 'either' }
  if (deepest > DEPTH) return { problem: 'too_deep' }
  return isDouble ? { problem: 'duplicate_key' } : { value }
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce<number>((sum, inner) => sum + countMembers(inner), own)
}

function expectAgreement(text: string) {
  const wanted = expected(text)
  const got = parseJson(text, DEPTH)
  if ('problem' in wanted && wanted.problem === 'either') expect(got).toHaveProperty('problem')
  else expect(got).toEqual(wanted)
}

/**
 * Few names, so that they meet; some that are dangerous, and some that are spelled in two ways. A lone backslash is not
 * among them: once V8 (14.x) has seen such a member it reads `"\u0061"` as that name, which is `JSON.parse`'s fault.
 */
const key = fc.constantFrom(
  '"a"',
  '"b"',
  '"\\u0061"',
  '"__proto__"',
  '"constructor"',
  '""',
  '"a\\"b"',
  '":"',
  '"{"',
)
const blank = fc.constantFrom('', '', ' ', '\n', '\t ')
const { text: jsonText } = fc.letrec<{ text: string; object: string; array: string }>((tie) => ({
  text: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('1', 'null', '"x"', '"{\\"a\\":1}"', '-0.5e3', '"]"'),
    tie('object'),
    tie('array'),
  ),
  object: fc
    .array(fc.tuple(key, blank, blank, tie('text')), { maxLength: 4 })
    .map(
      (members) =>
        `{${members.map(([name, before, after, value]) => `${before}${name}${after}:${before}${value}`).join(',')}}`,
    ),
  array: fc
    .array(fc.tuple(blank, tie('text')), { maxLength: 3 })
    .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
}))

describe('parseJson', () => {
  test('gives every value back that JSON.stringify wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 1, '\t'), (value, indent) => {
        expectAgreement(JSON.stringify(value, null, indent))
      }),
      { seed: 1, numRuns: 2000 },
    )
  })

  test('agrees with JSON.parse except where a key is there twice or nesting is deep', () => {
    fc.assert(fc.property(jsonText, expectAgreement), { seed: 2, numRuns: 5000 })
  })

  test('agrees on texts that are broken in one place', () => {
    const breakage = fc.constantFrom(
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      ' ',
      '\u00a0',
      '\ufeff',
      '\0',
      '\n',
      '//',
      '\\u00',
    )
    fc.assert(
      fc.property(jsonText, breakage, fc.nat(), fc.boolean(), (text, inserted, at, replace) => {
        const place = at % (text.length + 1)
        expectAgreement(text.slice(0, place) + inserted + text.slice(place + (replace ? 1 : 0)))
      }),
      { seed: 3, numRuns: 5000 },
    )
  })

  test('agrees on arbitrary text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), expectAgreement), { seed: 4, numRuns: 2000 })
  })

  test.each([
    ['{"a":1,"a":1}', 'duplicate_key'],
    ['{"a":1,"\\u0061":2}', 'duplicate_key'],
    ['{"x":[{"b":1,"c":2,"b":3}]}', 'duplicate_key'],
    ['{"__proto__":1,"__proto__":2}', 'duplicate_key'],
    ['[[[[[[[]]]]]]]', 'too_deep'],
    [`${'{"a":'.repeat(7)}1${'}'.repeat(7)}`, 'too_deep'],
    ['\ufeff{}', 'not_json'],
    ['', 'not_json'],
    ['{"a":1}}', 'not_json'],
    ["{'a':1}", 'not_json'],
  ])('refuses %s as %s', (text, problem) => {
    expect(parseJson(text, DEPTH)).toEqual({ problem })
  })

  test('accepts one key in two objects, and keys that only look alike', () => {
    const text = '{"a":{"a":[{"a":1},{"a":2}]},"A":"a","a ":"\\"a\\":1"}'
    expect(parseJson(text, DEPTH)).toEqual({ value: JSON.parse(text) })
  })

  test('gives a key named __proto__ as a member of its own and changes no prototype', () => {
    const parsed = parseJson('{"__proto__":{"admin":true}}', DEPTH)
    expect(Object.keys('value' in parsed ? Object(parsed.value) : {})).toEqual(['__proto__'])
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  // A quadratic scan would take minutes for these, not a part of a second.
  test.each([
    ['an unfinished string of escaped quotes', `"${'\\"'.repeat(500_000)}`],
    ['quotes alone', '"'.repeat(999_999)],
    ['unfinished escapes', `${'"\\'.repeat(500_000)}`],
    ['blanks after a key', `{"a"${' '.repeat(1_000_000)}x`],
    ['open brackets', '['.repeat(1_000_000)],
    ['a hundred thousand keys', `{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":1`).join()}}`],
  ])('reads a megabyte of %s in one pass', { timeout: 5_000 }, (_title, text) => {
    const parsed = parseJson(text, DEPTH)
    expect('value' in parsed ? countMembers(parsed.value) : parsed.problem).toBeOneOf(['not_json', 100_000])
  })
})
