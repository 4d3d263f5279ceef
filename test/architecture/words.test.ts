/** CONVENTIONS.md "Plain words", held where a machine can: the rule over all of our code, and seen to fire. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { oddTestWords, oddWords } from './words.ts'

const FOLDERS = ['src', 'dev', 'ops', 'bench']

const sourcesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|js|toml)$/.test(file))
    .map((file) => `${folder}/${file}`)

const files = FOLDERS.flatMap(sourcesIn)
/** But for the rule itself, which spells the words. */
const tests = sourcesIn('test').filter((file) => !file.startsWith('test/architecture/words.'))

test('no odd word and no paper from outside the repository in src/, dev/, ops/ and bench/', () => {
  expect(files.length).toBeGreaterThan(300)
  expect(
    files.flatMap((file) => oddWords(readFileSync(file, 'utf8')).map((what) => `${file}:${what}`)),
  ).toEqual([])
})

test('no odd word in test/', () => {
  expect(tests.length).toBeGreaterThan(250)
  expect(
    tests.flatMap((file) => oddTestWords(readFileSync(file, 'utf8')).map((what) => `${file}:${what}`)),
  ).toEqual([])
})

test.each([
  '// Nobody waits for it.',
  "title: 'this password is no way in until it has been reset'",
  '/** Whoever holds a link. */',
  '// One decision (FINDINGS F19).',
  '// As DESIGN.md §6 wants it.',
  '// A planted cookie (CASES J08).',
])('fires on: %s', (line) => {
  expect(oddWords(line)).toHaveLength(1)
})

test.each([
  '// No one waits for it (RFC 9700 §4.14).',
  "if (name === 'nobody') return",
  "import { DESIGN } from './design.ts'",
  '// docs/cases.md: J08',
])('leaves alone: %s', (line) => {
  expect(oddWords(line)).toEqual([])
})
