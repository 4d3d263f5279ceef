/** A deployment in a repository of its own: the packed service is installed into an empty folder, builds there, and takes an update. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
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
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLentService } from '../support/service.ts'

const service = useLentService()

const ROOT = process.cwd()
const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-own-'))
const home = path.join(folder, 'acme-auth')
const installed = path.join(home, 'node_modules/latchkey-service')
const at = (name: string) => path.join(home, name)
const read = (name: string) => readFileSync(at(name), 'utf8')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What `npm install <tarball>` leaves: the package unpacked, and what it depends on beside it. */
beforeAll(() => {
  // The binaries of Argon2 are there since `npm ci`: `prepare` would make them anew below the feet of other tests.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const [packed] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' })) as { filename: string }[]
  mkdirSync(path.join(home, 'node_modules/.bin'), { recursive: true })
  execFileSync('tar', ['-xzf', path.join(folder, packed?.filename ?? ''), '-C', folder])
  cpSync(path.join(folder, 'package'), installed, { recursive: true })
  for (const name of readdirSync(path.join(ROOT, 'node_modules')))
    if (!name.startsWith('.') && !name.startsWith('latchkey')) symlinkSync(path.join(ROOT, 'node_modules', name), at(`node_modules/${name}`))
  symlinkSync('../latchkey-service/ops/package/bin.js', at('node_modules/.bin/latchkey-service'))
  symlinkSync(path.join(ROOT, 'node_modules/.bin/wrangler'), at('node_modules/.bin/wrangler'))
  writeFileSync(at('package.json'), '{"name":"acme-auth","dependencies":{"latchkey-service":"file:x.tgz"}}')
  execFileSync('git', ['init', '--quiet'], { cwd: home })
})

function run(words: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [at('node_modules/.bin/latchkey-service'), ...words], {
    cwd: home,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
  })
  return { status, stdout, stderr }
}

test('the tarball has what a deployment needs, and no test, bundle or secret', () => {
  const files = readdirSync(installed)
  expect(files.toSorted()).toEqual(
    ['LICENSE', 'README.md', 'SECURITY.md', 'docs', 'migrations', 'ops', 'package.json', 'src', 'tsconfig.json', 'wrangler.toml'].toSorted(),
  )
  expect(existsSync(path.join(installed, 'src/crypto/wasm/argon2.wasm'))).toBe(true)
})

test('init makes a repository of three files, whose commands run', () => {
  const { status, stderr } = run(['init'])
  expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('npm run setup') })
  expect(read('.gitignore')).toContain('.env*\n')
  expect(read('wrangler.toml')).toBe(read('wrangler.base.toml'))
  const { scripts, devDependencies, dependencies } = JSON.parse(read('package.json'))
  expect(scripts).toMatchObject({ setup: 'latchkey-service setup', deploy: 'latchkey-service deploy' })
  const { devDependencies: tools } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(devDependencies).toEqual({ wrangler: tools.wrangler, node: tools.node })
  expect(dependencies).toEqual({ 'latchkey-service': 'file:x.tgz' })
  const { DATABASE_URL = '' } = service().bindings
  const listed = run(['tenants', '--json'], { ENVIRONMENT: 'local', DATABASE_URL })
  expect(listed).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\[/) })
  expect(run(['init'])).toMatchObject({ status: 1, stderr: expect.stringContaining('is here already') })
  expect(run(['dev'])).toMatchObject({ status: 1, stderr: expect.stringContaining('setup') })
})

test('the Workers build there: the all-in-one, one with the pages, and one with the passkeys', { timeout: 300_000 }, () => {
  for (const words of [[], ['pages'], ['passkey']]) {
    const { status, stdout, stderr } = run(['deploy', ...words, '--dry-run'])
    expect(stdout + stderr).toContain('Total Upload')
    expect(status, stderr).toBe(0)
  }
})

describe('update', () => {
  /** Another release, in which wrangler.toml has changed. */
  const release = (change: (text: string) => string) => {
    const file = path.join(installed, 'wrangler.toml')
    writeFileSync(file, change(readFileSync(file, 'utf8')))
  }

  test('takes what is new in the release, and leaves what is the operator’s', () => {
    writeFileSync(at('wrangler.toml'), read('wrangler.toml').replaceAll('auth.example.com', 'auth.acme.com'))
    appendFileSync(at('wrangler.toml'), '\n[vars]\nMAIL_FROM = "auth@acme.com"\n')
    release((text) => text.replace('compatibility_date = "2026-10-20"', 'compatibility_date = "2026-11-20"'))
    const { status, stderr } = run(['update'])
    expect({ status, stderr }).toMatchObject({ status: 0, stderr: expect.stringContaining('npm run migrate') })
    const own = read('wrangler.toml')
    expect(own).toContain('compatibility_date = "2026-11-20"')
    expect(own).toContain('MAIL_FROM = "auth@acme.com"')
    expect(own).toContain('pattern = "auth.acme.com"')
    expect(read('wrangler.base.toml')).not.toContain('acme')
    expect(run(['update']).status, 'again, with the same result').toBe(0)
    expect(read('wrangler.toml')).toBe(own)
  })

  test('ends with 1 where both have changed the same line, and has both in the file', () => {
    writeFileSync(at('wrangler.toml'), read('wrangler.toml').replace('cpu_ms = 15000', 'cpu_ms = 20000'))
    release((text) => text.replace('cpu_ms = 15000', 'cpu_ms = 10000'))
    const { status, stderr } = run(['update'])
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining('1 places') })
    expect(read('wrangler.toml')).toMatch(/<<<<<<< yours\ncpu_ms = 20000.*=======\ncpu_ms = 10000.*>>>>>>> release/s)
  })
})
