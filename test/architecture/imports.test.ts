/**
 * The import direction of DESIGN.md §2 is Biome's to hold (`noRestrictedImports` in biome.json). Here it is seen to
 * hold it: the forbidden imports of each folder, written into a copy of the layout, are reported one by one.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const OUTSIDE = [
  '../../dev/seed.ts',
  '../../ops/keys.ts',
  '../../test/support/stack.ts',
  '../../bench/main.ts',
]
const WORKERS = [
  '../workers/session.ts',
  '../app.ts',
  '../index.ts',
  '../jobs.ts',
  '../health/readyz.route.ts',
]
const CAPABILITIES = ['tenants', 'keys', 'accounts', 'one-time', 'sessions', 'email', 'passwords']
/** Imported by Workers and jobs.ts alone, and never by each other. */
const LEAVES = ['admin', 'webhooks', 'mail', 'housekeeping', 'link-pages']
const toRightOf = (folder: string) => [...CAPABILITIES.slice(CAPABILITIES.indexOf(folder) + 1), ...LEAVES]
const storeOf = (folders: string[]) => folders.map((folder) => `../${folder}/store.ts`)

const NO_CAPABILITY = [...storeOf([...CAPABILITIES, ...LEAVES]), ...OUTSIDE, ...WORKERS]
const BESIDE = ['../limits/limits.ts', '../events/outbox.ts', '../idempotency/store.ts']
const forbidden: Record<string, string[]> = {
  http: [...NO_CAPABILITY, ...BESIDE],
  crypto: [...NO_CAPABILITY, ...BESIDE],
  storage: [...NO_CAPABILITY, ...BESIDE],
  limits: NO_CAPABILITY.filter((one) => !one.includes('health')),
  events: NO_CAPABILITY.filter((one) => !one.includes('health')),
  idempotency: NO_CAPABILITY.filter((one) => !one.includes('health')),
  health: NO_CAPABILITY.filter((one) => !/health|^\.\.\/keys/.test(one)),
  ...Object.fromEntries(
    CAPABILITIES.map((folder) => [folder, [...storeOf(toRightOf(folder)), ...OUTSIDE, ...WORKERS]]),
  ),
  ...Object.fromEntries(
    LEAVES.map((folder) => [
      folder,
      [
        // A page does what an operation of any capability does.
        ...storeOf(folder === 'link-pages' ? [] : ['passwords']),
        ...storeOf(LEAVES.filter((leaf) => leaf !== folder)),
        ...OUTSIDE,
        ...WORKERS,
      ],
    ]),
  ),
  workers: OUTSIDE,
}
const allowed: Record<string, string[]> = {
  http: ['../context.ts', '../problem.ts', './input.ts'],
  health: ['../keys/keys.ts', '../keys/store.ts'],
  keys: ['../tenants/tenants.ts', '../crypto/signing.ts'],
  sessions: [
    '../accounts/accounts.ts',
    '../keys/keys.ts',
    '../limits/limits.ts',
    '../events/outbox.ts',
    'hono',
  ],
  passwords: ['../sessions/store.ts', '../storage/schema.ts'],
  webhooks: ['../sessions/admin.ts', '../events/sink.ts', '../idempotency/store.ts'],
  housekeeping: ['../keys/rotation.ts', '../events/store.ts'],
  'link-pages': ['../passwords/recovery.ts', '../sessions/store.ts', '../http/form.ts'],
  workers: ['../app.ts', '../health/readyz.route.ts', '../passwords/login.route.ts'],
}

let copy: string
let reported: Set<string>

beforeAll(() => {
  copy = mkdtempSync(path.join(tmpdir(), 'latchkey-imports-'))
  writeFileSync(path.join(copy, 'biome.json'), readFileSync('biome.json'))
  for (const [folder, imports] of Object.entries(forbidden)) {
    mkdirSync(path.join(copy, 'src', folder), { recursive: true })
    const lines = [...imports, ...(allowed[folder] ?? [])].map((from) => `export * from '${from}'`)
    writeFileSync(path.join(copy, 'src', folder, 'x.ts'), lines.join('\n'))
  }
  const args = [
    'lint',
    '--vcs-enabled=false',
    '--only=style/noRestrictedImports',
    '--reporter=json',
    '--max-diagnostics=none',
    'src',
  ]
  const { stdout } = spawnSync(path.resolve('node_modules/.bin/biome'), args, { cwd: copy, encoding: 'utf8' })
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] }
  reported = new Set(
    diagnostics.map(({ location }) => {
      const [line = ''] = readFileSync(path.join(copy, location.path), 'utf8')
        .split('\n')
        .slice(location.start.line - 1)
      return `${path.basename(path.dirname(location.path))} ${/'(.+)'/.exec(line)?.[1]}`
    }),
  )
})

afterAll(() => rmSync(copy, { recursive: true, force: true }))

type Diagnostic = { location: { path: string; start: { line: number } } }

test.each(Object.entries(forbidden))('src/%s may not import what is above it', (folder, imports) => {
  expect(imports.filter((from) => !reported.has(`${folder} ${from}`))).toEqual([])
})

test.each(Object.entries(allowed))('src/%s may import what is below it', (folder, imports) => {
  expect(imports.filter((from) => reported.has(`${folder} ${from}`))).toEqual([])
})

test('every folder of src/ has its place in the order', () => {
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(folders.map(({ name }) => name).toSorted()).toEqual(Object.keys(forbidden).toSorted())
})
