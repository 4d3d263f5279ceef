/**
 * clients 13: the verifiers of docs/verifying-tokens.md, each as it is printed there, in Node, against the running service over HTTP.
 * They are imported from the document alone, so that its options are those that are tried.
 */
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../support/client.ts'
import { claimsOf, createForger, type Forger, headerOf, segment } from '../support/forge.ts'
import { runKeys } from '../support/keys-command.ts'
import { type Service, startService } from '../support/service.ts'

type Verify = (token: string) => Promise<Record<string, unknown>>
type App = { fetch?: (request: Request) => Promise<Response>; listen?: http.RequestListener }

const document = readFileSync('docs/verifying-tokens.md', 'utf8')
const examples = [...document.matchAll(/^## (.*)\n\n```js\n([\s\S]*?)```/gm)].map(
  ([, name = '', code = '']) => ({
    name,
    code,
  }),
)
const ES256_ALONE = 'jsonwebtoken and jwks-rsa'
const STRICT = ['latchkey/verifier', 'jose', 'oauth4webapi', 'express-oauth2-jwt-bearer']

// Inside the project, so that the libraries are found from there.
mkdirSync('.latchkey', { recursive: true })
const folder = mkdtempSync(path.resolve('.latchkey/verifiers-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The example, for a service that listens at `issuer`. */
async function load(code: string, issuer: string): Promise<{ verify: Verify; stop(): void }> {
  const file = path.join(folder, `${crypto.randomUUID()}.mjs`)
  writeFileSync(file, code.replaceAll('https://auth.example.com', issuer))
  const { verify, default: app } = (await import(file)) as { verify?: Verify; default?: App }
  if (verify) return { verify, stop: () => {} }
  if (app?.fetch)
    return { verify: ofAnswers(async (init) => app.fetch?.(new Request(issuer, init))), stop: () => {} }
  const server = http.createServer(app as http.RequestListener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    verify: ofAnswers((init) => fetch(`http://127.0.0.1:${port}/`, init)),
    stop: () => server.close(),
  }
}

/** An API says 200 with the claims, or 401. */
const ofAnswers =
  (ask: (init: RequestInit) => Promise<Response | undefined>): Verify =>
  async (token) => {
    const response = await ask({ headers: { authorization: `Bearer ${token}` } })
    if (response?.status === 200) return (await response.json()) as Record<string, unknown>
    expect(response?.status).toBe(401)
    throw new Error('401')
  }

describe.each(['EdDSA', 'ES256'] as const)('with a service that signs with %s', (algorithm) => {
  let service: Service
  let issuer: string
  let token: string
  let tenantId: string
  let forger: Forger

  beforeAll(async () => {
    service = await startService()
    if (algorithm === 'ES256') {
      // A deployment without a key yet, and the command of the document.
      await service.sql('delete from signing_keys')
      const { stdout } = await runKeys(service, ['rotate', '--es256'], {
        SIGNING_SEAL_KEYS: service.bindings.SIGNING_SEAL_KEYS ?? '',
      })
      expect(stdout).toContain('created the first signing key')
    }
    const tenant = await service.newTenant({ host: service.url.host })
    issuer = tenant.origin
    tenantId = tenant.id
    token = (await createClient(service, tenant).newAccount()).tokens.access_token
    forger = await createForger(service)
  }, 120_000)
  afterAll(() => service.stop())

  const known = algorithm === 'ES256' ? examples : examples.filter(({ name }) => name !== ES256_ALONE)

  test.each(known)('clients 13: $name accepts a token of a sign-in', async ({ code }) => {
    const { verify, stop } = await load(code, issuer)
    const claims = await verify(token)
    stop()
    expect(claims).toEqual(claimsOf(token))
    expect(claims).toMatchObject({ iss: issuer, aud: issuer, client_id: tenantId, tid: tenantId })
    expect(headerOf(token)).toMatchObject({ alg: algorithm, typ: 'at+jwt' })
  })

  test.each(known)('clients 13: $name refuses every other token', async ({ name, code }) => {
    const { verify, stop } = await load(code, issuer)
    const now = Math.floor(Date.now() / 1000)
    const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const [head = '', body = ''] = token.split('.')
    const others: Record<string, string> = {
      'of another issuer': forger.withClaims(token, { iss: 'https://evil.test' }),
      'for another audience': forger.withClaims(token, { aud: 'https://evil.test' }),
      'that has expired': forger.withClaims(token, { iat: now - 7200, exp: now - 3600 }),
      'of another key': `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), foreign).toString('base64url')}`,
      'without a signature': `${segment({ alg: 'none', typ: 'at+jwt' })}.${body}.`,
      'that was changed': `${head}.${segment({ ...claimsOf(token), sub: crypto.randomUUID() })}.${token.split('.')[2]}`,
      'of another type': forger.signRaw({ ...headerOf(token), typ: 'JWT' }, claimsOf(token)),
      ...(STRICT.includes(name) && {
        'without a client_id': forger.withClaims(token, { client_id: undefined }),
      }),
    }
    for (const [what, other] of Object.entries(others)) await expect(verify(other), what).rejects.toThrow()
    stop()
  })

  if (algorithm === 'EdDSA')
    test('clients 13: jsonwebtoken does not know this key, as the table says', async () => {
      const { code = '' } = examples.find(({ name }) => name === ES256_ALONE) ?? {}
      const { verify } = await load(code, issuer)
      await expect(verify(token)).rejects.toThrow()
    })
})

test('clients 13: each line of the table has its example, at the version that is installed', () => {
  const lines = [...document.matchAll(/^\| (`.*?) \| (.*?) \|/gm)].map(([, libraries = '']) => libraries)
  expect(lines).toHaveLength(examples.length)
  for (const [index, line] of lines.entries())
    for (const [, name = '', version = ''] of line.matchAll(/`([^`]+)` ([0-9.]+)/g)) {
      expect(examples[index]?.code).toContain(`'${name}'`)
      const { version: installed } = JSON.parse(
        readFileSync(`node_modules/${name.split('/')[0]}/package.json`, 'utf8'),
      )
      expect(installed.startsWith(`${version}.`), `${name} ${installed}`).toBe(true)
    }
})
