/** A server that calls for others: with the function of docs/clients.md where it does right, by hand where it does not. */
import { spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { BARE_SHELL } from './bare-shell.ts'
import { type CallOptions, type Client, createClient } from './client.ts'
import type { Service, TestTenant } from './service.ts'

type NamedClient = { ip: string; userAgent?: string }
type CallerHeader = (
  credential: string,
  method: string,
  url: string,
  client: NamedClient,
) => Record<string, string>

/** `callerHeader` as docs/clients.md prints it. */
export async function printedCallerHeader(): Promise<CallerHeader> {
  const [, code] =
    /```js\n(import [\s\S]*?callerHeader[\s\S]*?)```/.exec(readFileSync('docs/clients.md', 'utf8')) ?? []
  if (!code) throw new Error('docs/clients.md has no example of callerHeader')
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-readme-'))
  try {
    const file = path.join(folder, 'caller-header.mjs')
    writeFileSync(file, code)
    return (await import(file)).callerHeader
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What `npm run keys -- caller <origin>` prints. */
export function credentialFor(serviceKeys: string, origin: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['ops/keys.ts', 'caller', origin], {
    encoding: 'utf8',
    env: { ...BARE_SHELL, SERVICE_KEYS: serviceKeys },
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim()
}

/** A header whose signature is right for whatever it says. */
export function signed(credential: string, method: string, target: string, claims: string): string {
  const [, key = ''] = credential.split('.')
  const hmac = createHmac('sha256', Buffer.from(key, 'base64url')).update(`${method}\n${target}\n${claims}`)
  return `${claims};sig=${hmac.digest('base64url')}`
}

export const secondsNow = () => Math.floor(Date.now() / 1000)

/** The clients of one server, which connects from one address: each call is signed by the function of docs/clients.md. */
export async function newTrustedServer(service: Service, tenant: TestTenant, serviceKeys: string) {
  const callerHeader = await printedCallerHeader()
  const credential = credentialFor(serviceKeys, tenant.origin)
  const connecting = createClient(service, tenant)
  const callFor =
    (named: NamedClient): Client['call'] =>
    (target, options: CallOptions = {}) => {
      const { method = options.json === undefined ? 'GET' : 'POST', headers } = options
      const header = callerHeader(credential, method, `${tenant.origin}${target}`, named)
      return connecting.call(target, { ...options, headers: { ...headers, ...header } })
    }
  return { connecting, credential, callFor, callerHeader }
}
