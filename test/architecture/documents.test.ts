/** What documents show is what the code states; `npm run docs` writes it. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { CASES, renderDocuments } from '../../ops/docs.ts'
import { compareCases } from '../../ops/documents/cases.ts'
import { DOCUMENT } from '../../ops/openapi.ts'
import { renderRegistries } from '../../ops/registries.ts'

test('every generated table is as the code has it; if not, run `npm run docs`', {
  timeout: 60_000,
}, async () => {
  const documents = await renderDocuments()
  expect(documents.length).toBeGreaterThan(0)
  for (const { text, rendered } of documents) expect(text).toBe(rendered)
})

test('every language and every Worker is in the lists that the code reads; if not, run `npm run docs`', () => {
  for (const { text, rendered } of renderRegistries()) expect(text).toBe(rendered)
})

test('the OpenAPI document is as the operations describe themselves; if not, run `npm run docs`', {
  timeout: 60_000,
}, () => {
  // In a process of its own: Vite cannot load what the Workers import, Node can.
  const rendered = execFileSync(process.execPath, ['ops/openapi.ts'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  })
  expect(readFileSync(DOCUMENT, 'utf8').split('\n')).toEqual(rendered.split('\n'))
})

test('docs/cases.md explains each id that a title names, and has no row without a test; it says how to add one', {
  timeout: 60_000,
}, () => {
  expect(compareCases(readFileSync(CASES, 'utf8'))).toEqual({ unexplained: [], untested: [] })
})

test('docs/operations.md says what each error in the log means, and names each job', () => {
  const page = readFileSync('docs/operations.md', 'utf8').replaceAll(/\s+/g, ' ')
  const code = globSync('src/**/*.ts')
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  const lines = [...code.matchAll(/log\)?\(\s*'(?:error|warn)',\s*'([^']+)'/g)].map(([, line = '']) => line)
  const jobs = [...readFileSync('src/jobs.ts', 'utf8').matchAll(/\{ name: '([^']+)'/g)].map(
    ([, job = '']) => job,
  )
  expect(lines.length).toBeGreaterThan(30)
  expect(jobs.length).toBeGreaterThan(10)
  expect([...lines, ...jobs].filter((text) => !page.includes(text))).toEqual([])
})

test('each link of a document leads to a file, and each page of docs/ is linked from its index', () => {
  const documents = ['README.md', 'SECURITY.md', ...globSync('docs/*.md')]
  const broken = documents.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .filter(([, to = '']) => !existsSync(path.join(path.dirname(file), to)))
      .map(([link]) => `${file}: ${link}`),
  )
  expect(broken).toEqual([])
  const index = readFileSync('docs/README.md', 'utf8')
  expect(
    globSync('*.md', { cwd: 'docs' }).filter((page) => page !== 'README.md' && !index.includes(`(${page})`)),
  ).toEqual([])
})

/** How many requirements of levels 1 and 2 each section of ASVS 5.0 has, in V6 to V11 and V16; those of level 3 come after them. */
const ASVS_SECTIONS: Record<string, number> = {
  ...{ '6.1': 3, '6.2': 12, '6.3': 4, '6.4': 4, '6.5': 5, '6.6': 3, '6.8': 4 },
  ...{ '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 2, '7.6': 2 },
  ...{ '8.1': 2, '8.2': 3, '8.3': 1, '8.4': 1, '9.1': 3, '9.2': 4 },
  ...{ '10.1': 2, '10.2': 2, '10.3': 4, '10.4': 11, '10.5': 5, '10.6': 2, '10.7': 3 },
  ...{ '11.1': 2, '11.2': 3, '11.3': 3, '11.4': 4, '11.5': 1, '11.6': 1 },
  ...{ '16.1': 1, '16.2': 5, '16.3': 4, '16.4': 3, '16.5': 3 },
}

test('docs/asvs.md has a row for each requirement, and each row that applies names its tests', () => {
  const rows = [
    ...readFileSync('docs/asvs.md', 'utf8').matchAll(
      /^\| (\d+\.\d+\.\d+) \| [12] \| (.+?) \| (.+?) \| (.*?) ?\|$/gm,
    ),
  ]
  const wanted = Object.entries(ASVS_SECTIONS).flatMap(([section, last]) =>
    Array.from({ length: last }, (_, index) => `${section}.${index + 1}`),
  )
  expect(rows.map(([, id]) => id).toSorted()).toEqual(wanted.toSorted())
  const without = rows.filter(([, , , how = '', tests = '']) => tests === '' && !how.startsWith('–'))
  expect(without.map(([row]) => row)).toEqual([])
})

test('SECURITY.md names a test for each attacker, each promise, and each thing that is not promised', () => {
  const page = readFileSync('SECURITY.md', 'utf8')
  const section = (title: string) => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? ''
  const attackers = section('Attackers').match(/^\| \*\*.*$/gm) ?? []
  const bullets = (title: string) =>
    section(title)
      .split(/\n(?=- )/)
      .filter((text) => text.startsWith('- '))
  const claims = [...attackers, ...bullets('What is promised'), ...bullets('What is not')]
  expect(attackers.length).toBeGreaterThan(8)
  expect(claims.length).toBeGreaterThan(30)
  // That each link leads to a file is held above.
  expect(claims.filter((claim) => !/\]\(test\/[\w/.-]+\.test\.ts\)/.test(claim))).toEqual([])
})

test('no document names a page that is not there', () => {
  const named = [
    'README.md',
    'SECURITY.md',
    ...globSync(['docs/*.md', 'src/**/*.ts*', 'ops/**/*.ts', 'test/**/*.ts']),
  ].flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\bdocs\/[a-z-]+\.(?:md|svg)/g)]
      .filter(([page]) => !existsSync(page))
      .map(([page]) => `${file}: ${page}`),
  )
  expect(named).toEqual([])
})
