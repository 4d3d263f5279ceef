/** What `npm pack` makes of packages/latchkey, as a product installs it: in Node, in a bundle, and in workerd. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../support/client.ts'
import { useService } from '../support/service.ts'

const service = useService()

mkdirSync('.latchkey', { recursive: true })
const folder = mkdtempSync(path.resolve('.latchkey/packed-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A product that has installed the tarball, and what it depends on. */
function install(): string {
  // dist/ is there since `npm ci`: `prepack` would make it anew below the feet of other tests.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder, '--workspace', 'latchkey']
  const [packed] = JSON.parse(execFileSync('npm', args, { encoding: 'utf8' })) as { filename: string }[]
  const modules = path.join(folder, 'product/node_modules')
  mkdirSync(modules, { recursive: true })
  execFileSync('tar', ['-xzf', path.join(folder, packed?.filename ?? ''), '-C', modules])
  cpSync(path.join(modules, 'package'), path.join(modules, 'latchkey'), { recursive: true })
  rmSync(path.join(modules, 'package'), { recursive: true })
  const { dependencies } = JSON.parse(readFileSync(path.join(modules, 'latchkey/package.json'), 'utf8'))
  for (const name of [...Object.keys(dependencies), 'openapi-typescript-helpers'])
    cpSync(`node_modules/${name}`, path.join(modules, name), { recursive: true })
  return path.join(folder, 'product')
}

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

test('the package has its code, its types, its licence and its README, and nothing else', () => {
  const at = path.join(install(), 'node_modules/latchkey')
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

test('it verifies a token of the running service in Node, and in workerd out of a bundle', async () => {
  const product = install()
  const tenant = await service().newTenant({ host: service().url.host })
  const client = await createClient(service(), tenant)
  const { tokens } = await client.newAccount()
  const known = { ISSUER: tenant.origin, ADDRESS: service().url.origin, HOST: service().url.host }
  const file = path.join(product, 'product.mjs')
  const source = Object.entries(known).reduce(
    (text, [name, value]) => text.replaceAll(name, JSON.stringify(value)),
    PRODUCT,
  )
  writeFileSync(file, source)

  const { ask } = (await import(file)) as { ask(token: string): Promise<string> }
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
