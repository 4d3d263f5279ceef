/** The binaries behind Argon2: made from the pinned package, checked, and in no commit. */
import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
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
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { writeArgon2 } from '../../ops/extract-argon2.js'
import { environmentOf, readWorkers } from '../../ops/routes.ts'

const REVIEWED = {
  'argon2.wasm': '7a25eff94eb7bc559acb7305d8352ed24470670a9ae653d79d86f92f8a395c3d',
  'blake2b.wasm': '2aa7f33c4ece502997304672bc8defa348a7a30ef9a191e8648d317830e50afd',
}

let folder: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-argon2-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

function expectReviewed(wasm: string) {
  expect(readdirSync(wasm).toSorted()).toEqual(['LICENSE', 'argon2.wasm', 'blake2b.wasm'])
  for (const [name, expected] of Object.entries(REVIEWED))
    expect(sha256(path.join(wasm, name))).toBe(expected)
  expect(readFileSync(path.join(wasm, 'LICENSE'), 'utf8')).toContain('Permission is hereby granted')
}

/** A checkout as a clone has it, before or after an installation that ran no scripts. */
function newCheckout(): string {
  for (const part of ['ops', 'package.json', 'wrangler.toml'])
    cpSync(part, path.join(folder, part), { recursive: true })
  cpSync('src', path.join(folder, 'src'), { recursive: true, filter: (file) => !file.endsWith('.wasm') })
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'))
  return folder
}

test('packages 20: the reviewed binaries come out of the installed hash-wasm, once', () => {
  expect(writeArgon2({ folder }).toSorted()).toEqual(['LICENSE', 'argon2.wasm', 'blake2b.wasm'])
  expectReviewed(folder)
  expect(writeArgon2({ folder }), 'what is there is left alone').toEqual([])
  writeFileSync(path.join(folder, 'argon2.wasm'), 'half of it')
  expect(writeArgon2({ folder })).toEqual(['argon2.wasm'])
  expectReviewed(folder)
})

test('packages 20: eight builds at once leave whole binaries and nothing else', async () => {
  const checkout = newCheckout()
  const build = () => promisify(execFile)(process.execPath, ['ops/extract-argon2.js'], { cwd: checkout })
  await Promise.all(Array.from({ length: 8 }, build))
  expect(readdirSync(path.join(checkout, 'src/crypto/wasm')).toSorted()).toEqual([
    'LICENSE',
    'argon2.wasm',
    'blake2b.wasm',
    'wasm.d.ts',
  ])
})

test('packages 20: a package with other binaries, or that keeps them elsewhere, is refused and nothing is written', () => {
  const installed = path.resolve('node_modules/hash-wasm')
  const source = path.join(folder, 'hash-wasm')
  const target = path.join(folder, 'wasm')
  mkdirSync(path.join(source, 'dist'), { recursive: true })
  cpSync(path.join(installed, 'LICENSE'), path.join(source, 'LICENSE'))
  const bundle = readFileSync(path.join(installed, 'dist/index.esm.js'), 'utf8')
  const write = (text: string) => writeFileSync(path.join(source, 'dist/index.esm.js'), text)

  write(bundle.replace(/(var name\S* = "blake2b";\s*var data\S* = "AGFzbQEAAAA)B/, '$1C'))
  expect(() => writeArgon2({ folder: target, source })).toThrow('blake2b.wasm is not the reviewed binary')
  write(bundle.replaceAll('"argon2"', '"argon3"'))
  expect(() => writeArgon2({ folder: target, source })).toThrow(
    'hash-wasm no longer carries argon2 where it was',
  )
  expect(readdirSync(target)).toEqual([])
})

test('packages 20: npm ci and every build of wrangler make them; git keeps none', () => {
  const { scripts, dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  expect(dependencies['hash-wasm']).toMatch(/^\d+\.\d+\.\d+$/)
  expect(devDependencies).not.toHaveProperty('hash-wasm')
  expect(scripts.prepare).toMatch(/^node ops\/extract-argon2\.js( && |$)/)
  for (const worker of readWorkers().keys()) {
    const { build } = unstable_readConfig(
      { config: 'wrangler.toml', env: environmentOf(worker) },
      { hideWarnings: true },
    )
    expect(build.command, worker).toBe('node ops/extract-argon2.js')
  }
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' }).stdout.trim()
  expect(git('ls-files', '*.wasm')).toBe('')
  expect(git('check-ignore', 'src/crypto/wasm/argon2.wasm')).toBe('src/crypto/wasm/argon2.wasm')
  expect(git('ls-files', 'src/crypto/wasm/LICENSE')).toBe('src/crypto/wasm/LICENSE')
})

test('packages 20: wrangler bundles a checkout that has none yet', () => {
  const checkout = newCheckout()
  const wrangler = path.resolve('node_modules/wrangler/bin/wrangler.js')
  const args = [wrangler, 'deploy', '--env=password', '--dry-run', '--outdir', 'out']
  execFileSync(process.execPath, args, {
    cwd: checkout,
    stdio: 'pipe',
    env: { PATH: process.env.PATH, HOME: checkout, DO_NOT_TRACK: '1', WRANGLER_HIDE_BANNER: 'true' },
  })
  expect(readdirSync(path.join(checkout, 'out')).filter((file) => file.endsWith('.wasm'))).toHaveLength(2)
})

test('packages 20: without the install scripts, npm run dev says what is missing and which command to run', () => {
  const env = { PATH: process.env.PATH, HOME: folder }
  const { status, stderr } = spawnSync('npm', ['run', 'dev'], { cwd: newCheckout(), encoding: 'utf8', env })
  expect(status).toBe(1)
  expect(stderr).toContain('src/crypto/wasm/argon2.wasm has not been made')
  expect(stderr).toContain('Run: npm ci --ignore-scripts=false')
  expect(stderr).not.toMatch(/ready|at \S+:\d+/)
})

test('packages 20: a Node that reads no TypeScript is named instead of failing on the first import', () => {
  const args = ['--no-experimental-strip-types', 'ops/check-install.js']
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status).toBe(1)
  expect(stderr).toContain(`this is Node ${process.versions.node}, which reads no TypeScript`)
  expect(spawnSync(process.execPath, ['ops/check-install.js', '--argon2']).status).toBe(0)
})
