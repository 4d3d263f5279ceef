/**
 * A deployment in a repository of its own: the packed service is installed by npm into an empty folder, builds there, and takes an update. The folder is
 * outside this repository, so that only what the package declares is found.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-own-'))
const home = path.join(folder, 'acme-auth')
const database = `own_${randomUUID().replaceAll('-', '')}`
const at = (name: string) => path.join(home, name)
const read = (name: string) => readFileSync(at(name), 'utf8')

type Manifest = Record<'dependencies' | 'devDependencies' | 'scripts', Record<string, string>> & {
  version: string
}
const manifest = (file: string): Manifest => JSON.parse(readFileSync(file, 'utf8'))

beforeAll(async () => {
  await service().sql(`create database ${database}`)
  mkdirSync(at('node_modules'), { recursive: true })
  writeFileSync(at('package.json'), '{"name":"acme-auth"}')
  execFileSync('git', ['init', '--quiet'], { cwd: home })
  provide(Object.keys(manifest('package.json').dependencies))
  install(pack('.'))
}, 120_000)
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await service().sql(`drop database ${database} with (force)`)
})

/** @returns the tarball. The binaries of Argon2 are there since `npm ci`: `prepare` would make them anew below the feet of other tests. */
function pack(from: string): string {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder, from]
  const [packed] = JSON.parse(
    execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  return path.join(folder, packed.filename)
}

/** Puts there what a registry would give, with all that these depend on. npm takes what it finds, and deletes what nothing asks for. */
function provide(names: readonly string[]): void {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<
      string,
      Partial<Record<'dependencies' | 'optionalDependencies' | 'peerDependencies', object>>
    >
  }
  const found = new Set<string>()
  const visit = (name: string) => {
    const key = `node_modules/${name}`
    if (found.has(key) || !existsSync(key)) return
    found.add(key)
    for (const [nested, its] of Object.entries(packages))
      if (nested === key || nested.startsWith(`${key}/`))
        for (const asked of [its.dependencies, its.optionalDependencies, its.peerDependencies])
          Object.keys(asked ?? {}).forEach(visit)
  }
  names.forEach(visit)
  for (const key of found)
    if (!existsSync(at(key))) {
      mkdirSync(path.dirname(at(key)), { recursive: true })
      copyTree(key, at(key))
    }
}

/** By hard links where both are on one disk: wrangler brings hundreds of megabytes. */
function copyTree(from: string, to: string): void {
  const linked = spawnSync('cp', ['-al', from, to])
  if (linked.status === 0) return
  rmSync(to, { recursive: true, force: true })
  execFileSync('cp', ['-a', from, to])
}

const install = (...words: string[]) =>
  execFileSync('npm', ['install', '--offline', '--no-package-lock', '--no-audit', '--no-fund', ...words], {
    cwd: home,
    stdio: 'pipe',
  })

/** Not while this process waits: it answers for Neon. */
async function runIn(command: string, words: string[], env: Record<string, string> = {}) {
  const options = { cwd: home, env: { PATH: process.env.PATH ?? '', HOME: folder, ...env } }
  const child = spawn(command, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const [status, stdout, stderr] = await Promise.all([
    new Promise((resolve) => child.once('close', resolve)),
    text(child.stdout),
    text(child.stderr),
  ])
  return { status, stdout, stderr }
}

/** As the one who has cloned the repository. */
const npmRun = (command: string, ...words: string[]) => {
  const url = new URL(service().bindings.DATABASE_URL ?? '')
  url.pathname = database
  const env = { ENVIRONMENT: 'local', DATABASE_URL: url.href }
  return runIn('npm', ['run', '--silent', command, '--', ...words], env)
}

const latchkey = (...words: string[]) =>
  runIn(process.execPath, ['node_modules/.bin/latchkey-service', ...words])

test('the tarball has what a deployment needs, and no test, bundle or secret', () => {
  expect(readdirSync(at('node_modules/latchkey-service')).toSorted()).toEqual(
    [
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'docs',
      'migrations',
      'ops',
      'package.json',
      'src',
      'tsconfig.json',
      'wrangler.toml',
    ].toSorted(),
  )
  expect(existsSync(at('node_modules/latchkey-service/src/crypto/wasm/argon2.wasm'))).toBe(true)
})

test('init makes a repository of four files, and overwrites none', async () => {
  const { status, stderr } = await latchkey('init')
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('npm run setup') })
  expect(read('.gitignore')).toContain('.env*\n')
  expect(read('wrangler.toml')).toBe(read('wrangler.base.toml'))
  const { scripts, devDependencies, dependencies } = manifest(at('package.json'))
  expect(scripts).toMatchObject({ setup: 'latchkey-service setup', deploy: 'latchkey-service deploy' })
  const { wrangler, node } = manifest('package.json').devDependencies
  expect(devDependencies).toEqual({ wrangler, node })
  expect(Object.keys(dependencies)).toEqual(['latchkey-service'])
  expect(await latchkey('init')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is here already'),
  })
  expect(await latchkey('bench')).toMatchObject({ status: 1, stderr: expect.stringContaining('setup') })
})

test('its commands run, and its Workers build', { timeout: 300_000 }, async () => {
  provide(['wrangler', 'node'])
  for (const [name, file] of [
    ['wrangler', 'bin/wrangler.js'],
    ['node', 'bin/node'],
  ] as const)
    symlinkSync(`../${name}/${file}`, at(`node_modules/.bin/${name}`))
  install()
  expect(await npmRun('migrate')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('0042_turnstile'),
  })
  const added = await npmRun(
    'tenants',
    'add',
    'acme',
    '--issuer',
    'https://auth.acme.test',
    'max_sessions=20',
  )
  expect(added).toMatchObject({ status: 0, stdout: '' })
  for (const worker of ['all-in-one', 'pages', 'passkey']) await expectBuild(worker)
})

async function expectBuild(worker: string): Promise<void> {
  const { status, stdout, stderr } = await npmRun('deploy', worker, '--dry-run')
  expect(stdout + stderr).toContain('Total Upload')
  expect(status, stderr).toBe(0)
}

describe('update', () => {
  /** The package of the next release, unpacked. */
  const next = path.join(folder, 'package')
  const change = (name: string, by: (text: string) => string) =>
    writeFileSync(path.join(next, name), by(readFileSync(path.join(next, name), 'utf8')))

  test('takes what is new in the release, and leaves what is the operator’s', {
    timeout: 300_000,
  }, async () => {
    writeFileSync(at('status.js'), 'export default { fetch: () => new Response("a Worker of our own") }')
    const own = `\n[vars]\nMAIL_FROM = "auth@acme.test"\n\n[env.status]\nname = "acme-status"\nmain = "status.js"\nroutes = [{ pattern = "status.acme.test", custom_domain = true }]\ntriggers = { crons = [] }\n`
    writeFileSync(
      at('wrangler.toml'),
      read('wrangler.toml').replaceAll('auth.example.com', 'auth.acme.test') + own,
    )
    const scripts = {
      ...manifest(at('package.json')).scripts,
      deploy: 'latchkey-service deploy all-in-one status',
    }
    writeFileSync(at('package.json'), JSON.stringify({ ...manifest(at('package.json')), scripts }))

    execFileSync('tar', [
      '-xzf',
      path.join(folder, `latchkey-service-${manifest('package.json').version}.tgz`),
      '-C',
      folder,
    ])
    change('package.json', (text) => text.replace(/"version": "[^"]+"/, '"version": "0.9.0"'))
    change('wrangler.toml', (text) =>
      text.replace('compatibility_date = "2026-10-20"', 'compatibility_date = "2026-10-21"'),
    )
    writeFileSync(path.join(next, 'migrations/9000_next.sql'), 'alter table tenants add column of_next text;')
    change('migrations/meta/_journal.json', (text) => {
      const journal: { entries: object[] } = JSON.parse(text)
      const [last] = journal.entries.slice(-1)
      return JSON.stringify({ ...journal, entries: [...journal.entries, { ...last, tag: '9000_next' }] })
    })
    install(pack(next))

    const { status, stderr } = await latchkey('update')
    expect({ status, stderr }).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('npm run migrate'),
    })
    const merged = read('wrangler.toml')
    expect(merged).toContain('compatibility_date = "2026-10-21"')
    expect(merged).toContain('pattern = "auth.acme.test"')
    expect(merged.endsWith(own)).toBe(true)
    // From now on the release's own: the next merge begins with it.
    expect(read('wrangler.base.toml')).toContain('compatibility_date = "2026-10-21"')
    expect(read('wrangler.base.toml')).not.toContain('acme')
    expect(existsSync(at('wrangler.base.toml.next'))).toBe(false)
    expect(manifest(at('package.json')).scripts.deploy).toBe(scripts.deploy)
    expect((await latchkey('update')).status, 'again, with the same result').toBe(0)
    expect(read('wrangler.toml')).toBe(merged)

    expect(await npmRun('migrate')).toMatchObject({ status: 0, stdout: expect.stringContaining('9000_next') })
    const { stdout } = await npmRun('tenants', 'show', 'acme', '--json')
    expect(JSON.parse(stdout).settings).toContainEqual(
      expect.objectContaining({ setting: 'max_sessions', value: '20' }),
    )
    const built = await npmRun('deploy', '--dry-run')
    expect(built.stdout + built.stderr).toMatch(/Total Upload.*Total Upload/s)
    expect(built.status, built.stderr).toBe(0)
  })

  test('ends with 1 where both have changed the same line, and has both in the file', async () => {
    writeFileSync(at('wrangler.toml'), read('wrangler.toml').replace('cpu_ms = 15000', 'cpu_ms = 20000'))
    change('package.json', (text) => text.replace(/"version": "[^"]+"/, '"version": "0.9.1"'))
    change('wrangler.toml', (text) => text.replace('cpu_ms = 15000', 'cpu_ms = 10000'))
    install(pack(next))
    const { status, stderr } = await latchkey('update')
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('1 place') })
    expect(read('wrangler.toml')).toMatch(
      /<<<<<<< yours\ncpu_ms = 20000.*=======\ncpu_ms = 10000.*>>>>>>> release/s,
    )
  })
})
