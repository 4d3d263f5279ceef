/**
 * What `npm pack` makes of packages/latchkey, as a product installs it: with `npm install` into an empty folder, then in Node,
 * typed, in a bundle, and in workerd.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createClient } from '../support/client.ts'
import { useService } from '../support/service.ts'

const service = useService()

mkdirSync('.latchkey', { recursive: true })
const folder = mkdtempSync(path.resolve('.latchkey/packed-'))
const product = path.join(folder, 'product')
beforeAll(() => install(), 120_000)
afterAll(() => rmSync(folder, { recursive: true }))

/** What the package depends on, and Hono, which it works without. */
const ASIDE = ['jose', 'openapi-fetch', 'openapi-typescript-helpers', 'hono']

/** `npm install` of tarballs alone: with an empty cache and no registry, so that what is installed is what was packed here. */
function install(): void {
  // dist/ is there since `npm ci`: `prepack` would make it anew below the feet of other tests.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder, './packages/latchkey']
  const modules = ASIDE.map((name) => `./node_modules/${name}`)
  const packed: { name: string; filename: string }[] = JSON.parse(
    execFileSync('npm', [...args, ...modules], { encoding: 'utf8' }),
  )
  const file = (name: string) => `file:../${packed.find((one) => one.name === name)?.filename}`
  mkdirSync(product)
  writeFileSync(
    path.join(product, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies: { latchkey: file('latchkey'), hono: file('hono') },
      overrides: Object.fromEntries(
        ASIDE.filter((name) => name !== 'hono').map((name) => [name, file(name)]),
      ),
    }),
  )
  const cache = path.join(folder, 'cache')
  execFileSync('npm', ['install', '--offline', '--cache', cache, '--no-audit', '--no-fund'], {
    cwd: product,
    stdio: 'pipe',
  })
}

/** @returns the file, with the words in capitals as JSON */
function write(name: string, source: string, words: Record<string, string> = {}): string {
  const file = path.join(product, name)
  const known = Object.entries(words)
  writeFileSync(
    file,
    known.reduce((text, [word, value]) => text.replaceAll(word, JSON.stringify(value)), source),
  )
  return file
}

/** A process of its own: here Vite would resolve what is imported. */
const inNode = (args: string[]) => promisify(execFile)(process.execPath, args, { cwd: product })

const PRODUCT = `
  import { createVerifier } from 'latchkey/verifier'
  import { createClient } from 'latchkey/client'
  const fetch = (url, init) => globalThis.fetch(url.replace(ISSUER, ADDRESS), { ...init, headers: { 'x-host': HOST } })
  const verifier = createVerifier({ issuer: ISSUER, endedSessions: 'refuse', fetch })
  export const ask = async (token) => {
    try { return (await verifier.verifyAccessToken(token)).sub } catch (error) { return error.code ?? String(error) }
  }
  export const client = createClient({ baseUrl: ISSUER })
  export default { fetch: async (request) => new Response(await ask(await request.text())) }
`

const TYPED = `
  import { Hono } from 'hono'
  import { createClient, createSession } from 'latchkey/client'
  import { createVerifier, requireAuth, TokenError } from 'latchkey/verifier'
  const verifier = createVerifier({ issuer: 'https://auth.example.com', endedSessions: 'refuse' })
  const app = new Hono().get('/', requireAuth(verifier, { scopes: ['notes:read'] }), (c) => c.json({ sub: c.var.auth.sub }))
  const status: 401 | 403 | 503 = new TokenError('invalid_token', 'x').status
  const client = createClient({ baseUrl: 'https://auth.example.com' })
  const { data } = await client.GET('/v1/me')
  const email: string | null | undefined = data?.email
  const token: string | null = await createSession({ issuer: 'https://auth.example.com' }).getAccessToken()
  // @ts-expect-error there is no such operation
  await client.GET('/v1/moon')
  // @ts-expect-error what becomes of a token while the list cannot be had is the caller's to say
  createVerifier({ issuer: 'https://auth.example.com' })
  // @ts-expect-error a claim is what it is
  app.get('/x', requireAuth(verifier), (c) => c.text(c.var.auth.iat))
  export { app, email, status, token }
`

test('the package has its code, its types, its licence and its README, and nothing else', () => {
  const at = path.join(product, 'node_modules/latchkey')
  const files = readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(at, path.join(entry.parentPath, entry.name)))
  const modules = ['client', 'documents', 'session', 'status-list', 'token-error', 'verifier']
  expect(files.toSorted()).toEqual(
    [
      'LICENSE',
      'README.md',
      'package.json',
      'dist/generated/openapi.d.ts',
      'dist/generated/openapi.js',
      ...modules.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]),
    ].toSorted(),
  )
})

test('an installation asks no registry, and brings what the package depends on and no more', () => {
  const { packages } = JSON.parse(readFileSync(path.join(product, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string; hasInstallScript?: boolean }>
  }
  const { '': _, ...installed } = packages
  expect(Object.keys(installed).toSorted()).toEqual(
    ['latchkey', ...ASIDE].map((name) => `node_modules/${name}`).toSorted(),
  )
  for (const [name, { resolved, hasInstallScript }] of Object.entries(installed)) {
    expect(resolved, name).toMatch(/^file:/)
    expect(hasInstallScript, name).toBeUndefined()
  }
})

test('what its exports name is in it: a compiler passes over types that are not there', () => {
  const at = path.join(product, 'node_modules/latchkey')
  const { exports } = JSON.parse(readFileSync(path.join(at, 'package.json'), 'utf8')) as {
    exports: Record<string, Record<string, string>>
  }
  const named = Object.values(exports).flatMap((conditions) => Object.values(conditions))
  expect(named).toHaveLength(4)
  expect(named.filter((file) => !existsSync(path.join(at, file)))).toEqual([])
})

test.each([
  ['NodeNext', 'NodeNext'],
  ['Node16', 'Node16'],
  ['ESNext', 'Bundler'],
])(
  'its types hold as a product compiles it: module %s, resolution %s',
  {
    timeout: 120_000,
  },
  async (module, resolution) => {
    const file = write('typed.ts', TYPED)
    const strict =
      '--ignoreConfig --strict --noEmit --skipLibCheck false --target ES2024 --lib ES2024,DOM --types'.split(
        ' ',
      )
    const how = [...strict, '', '--module', module, '--moduleResolution', resolution]
    const compiler = path.resolve('node_modules/typescript/bin/tsc')
    const { stdout } = await inNode([compiler, ...how, file]).catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  },
)

test('it has two entrances, and what is behind them cannot be imported', async () => {
  const file = write('behind.mjs', "await import('latchkey/dist/documents.js')")
  await expect(inNode([file])).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
})

test('it verifies a token of the running service in Node, and in workerd out of a bundle', async () => {
  const tenant = await service().newTenant({ host: service().url.host })
  const client = await createClient(service(), tenant)
  const { tokens } = await client.newAccount()
  const known = { ISSUER: tenant.origin, ADDRESS: service().url.origin, HOST: service().url.host }
  const file = write('product.mjs', PRODUCT, known)

  const asking = write(
    'asking.mjs',
    "import { ask } from './product.mjs'; console.log(await ask(process.argv[2]))",
  )
  const ask = async (token: string) => (await inNode([asking, token])).stdout.trim()
  expect(await ask(tokens.access_token)).toBe(tokens.user.id)
  expect(await ask('x')).toBe('invalid_token')

  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'esm',
    write: false,
    minify: true,
  })
  const [bundle] = outputFiles
  expect(bundle?.contents.length ?? Number.POSITIVE_INFINITY).toBeLessThan(60_000)
  const workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: bundle?.text ?? '',
      compatibilityDate: '2026-10-20',
    }),
  )
  try {
    const inWorkerd = async (token: string) =>
      (await workerd.dispatchFetch('http://product.test/', { method: 'POST', body: token })).text()
    expect(await inWorkerd(tokens.access_token)).toBe(tokens.user.id)
    expect(await inWorkerd('x')).toBe('invalid_token')
    // Many at once, while what is kept has to be read again: no request waits for what another has begun.
    const answers = await Promise.all(Array.from({ length: 30 }, () => inWorkerd(tokens.access_token)))
    expect(new Set(answers)).toEqual(new Set([tokens.user.id]))
  } finally {
    await workerd.dispose()
  }
})
