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
