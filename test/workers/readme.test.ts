/** The route table, the settings table and the commands of the documents against the code: what a newcomer reads is what is served. */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { WorkerCode } from '../../ops/routes.ts'
import { SETTING_NAMES } from '../../src/settings.ts'

const readme = readFileSync('README.md', 'utf8')
const documents = ['README.md', 'SECURITY.md', ...globSync('docs/*.md')]
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')
const code: Record<string, WorkerCode> = JSON.parse(
  execFileSync(process.execPath, ['ops/routes.ts', '--json'], { encoding: 'utf8' }),
)

test('docs/routes.md lists every operation, under the Worker that answers it', () => {
  const listed = [
    ...readFileSync('docs/routes.md', 'utf8').matchAll(
      /^\| (GET|POST|PATCH|PUT|DELETE) (\S+) \| ([\w-]+) \|/gm,
    ),
  ].map(([, method, path, worker]) => `${worker} ${method} ${path}`)
  const served = Object.entries(code)
    .filter(([worker]) => worker !== 'all-in-one')
    .flatMap(([worker, { operations }]) =>
      operations.map(({ method, path }) => `${worker} ${method} ${path}`),
    )
  expect(listed.toSorted()).toEqual(served.toSorted())
})

test('docs/settings.md explains every setting that a Worker reads', () => {
  expect(SETTING_NAMES.length).toBeGreaterThan(10)
  const settings = readFileSync('docs/settings.md', 'utf8')
  for (const name of SETTING_NAMES) expect(settings).toContain(`\`${name}\``)
})

test('the documents give the commands that package.json has', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const named = [...documents.matchAll(/npm run ([a-z0-9:-]+)/g)].map(([, script]) => script ?? '')
  expect(named.length).toBeGreaterThan(5)
  for (const script of named) expect(scripts).toHaveProperty(script)
})

test('CI runs the test command of the README', () => {
  expect(readme).toContain('npm ci && npm test')
  expect(readFileSync('.ci/run', 'utf8')).toMatch(/^npm ci && npm test$/m)
})
