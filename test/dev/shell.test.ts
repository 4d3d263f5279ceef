/** The local stack in a shell that has a deployment's settings exported: it runs on what it started, and on nothing else. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../dev/local-server.ts'
import { withoutSettings } from '../../ops/child-environment.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { DEMO_ADMINISTRATOR } from '../../src/pages/demo-administrator.ts'
import { SETTING_NAMES } from '../../src/settings.ts'
import { BARE_SHELL } from '../support/bare-shell.ts'

const REMOTE = 'postgresql://someone:secret@db.example.com/latchkey'

/** A checkout whose `.latchkey/` is its own. */
let checkout: string
/** Listens where the exported addresses lead: on this machine, so that only not asking it keeps it unasked. */
let trap: net.Server
let trapped = 0

beforeAll(async () => {
  checkout = mkdtempSync(path.join(tmpdir(), 'latchkey-shell-'))
  for (const part of [
    'src',
    'ops',
    'migrations',
    'node_modules',
    'wrangler.toml',
    'package.json',
    'tsconfig.json',
  ])
    symlinkSync(path.resolve(part), path.join(checkout, part))
  trap = net.createServer((socket) => {
    trapped += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
})

afterAll(() => {
  trap.close()
  rmSync(checkout, { recursive: true, force: true })
})

/** Every secret and setting there is, those that are added tomorrow too. */
function exportedElsewhere(): Record<string, string> {
  const { port } = trap.address() as net.AddressInfo // a TCP server's
  const deadValue = (name: string) => {
    if (name.endsWith('DATABASE_URL')) return `postgresql://dead:dead@127.0.0.1:${port}/dead`
    if (name.includes('URL')) return `http://127.0.0.1:${port}/`
    return name.endsWith('_KEYS') ? newKeyringEntry('dead') : 'dead'
  }
  return {
    ...Object.fromEntries(SETTING_NAMES.map((name) => [name, deadValue(name)])),
    ENVIRONMENT: 'production',
    // The switches that `npm run dev` takes from the shell (README) have to be good ones.
    WEBHOOK_PRIVATE_TARGETS: 'refused',
    BREACHED_PASSWORDS: 'off',
    LIMITS_MULTIPLIER: '1',
    CLOUDFLARE_INCLUDE_PROCESS_ENV: 'true',
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: 'false',
  }
}

async function startDev(env: Record<string, string>) {
  const [port, mailPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [path.resolve('dev/main.ts')], {
    cwd: checkout,
    env: { ...process.env, ...env, PORT: String(port), MAIL_PORT: String(mailPort) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        if (printed.includes('ready http')) resolve()
      })
  })
  await Promise.race([ready, ended])
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return { origin: `http://localhost:${port}`, printed: () => printed, stop }
}

test('keys 5: with every secret and setting exported, npm run dev signs in on its own database alone', {
  timeout: 120_000,
}, async () => {
  const dev = await startDev(exportedElsewhere())
  try {
    expect(dev.printed()).toContain('ready http')
    const post = (route: string, json: object) =>
      fetch(dev.origin + route, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(json),
      })
    const ada = { email: 'ada@example.com', password: 'correct horse battery' }
    expect((await post('/v1/register', ada)).status, dev.printed()).toBe(201)
    expect((await post('/v1/login', ada)).status).toBe(200)
    const administrator = await (await post('/v1/login', DEMO_ADMINISTRATOR)).json()
    expect(administrator).toMatchObject({ user: { email: DEMO_ADMINISTRATOR.email, roles: ['admin'] } })
    expect((await fetch(`${dev.origin}/readyz`)).status).toBe(200)
    await expect.poll(dev.printed, { timeout: 60_000 }).toContain('signing keys checked') // the hourly cron, at start
    expect(trapped, 'connections to what the shell exported').toBe(0)
  } finally {
    await dev.stop()
  }
})

test('keys 5: npm run dev refuses a Redis on another machine, before anything is written there', async () => {
  const dev = await startDev({ REDIS_URL: 'redis://redis.example.com:6379' })
  await dev.stop()
  expect(dev.printed()).toContain('REDIS_URL is not on this machine')
  expect(dev.printed()).not.toContain('ready http')
})

test.each([
  ['migrate.ts', [], {}],
  ['keys.ts', ['rotate'], { SIGNING_SEAL_KEYS: newKeyringEntry('s1') }],
  ['audit.ts', ['verify'], {}],
] as const)(
  'keys 5: under ENVIRONMENT=local %s refuses a database on another machine',
  (command, args, more) => {
    for (const name of ['DATABASE_URL', 'AUDIT_DATABASE_URL']) {
      const addresses = { DATABASE_URL: 'postgresql://a:a@127.0.0.1:1/a', [name]: REMOTE }
      const { status, stderr } = spawnSync(process.execPath, [`ops/${command}`, ...args], {
        encoding: 'utf8',
        env: { ...BARE_SHELL, ENVIRONMENT: 'local', ...addresses, ...more },
      })
      expect(status).toBe(1)
      expect(stderr).toContain(`setting ${name} is not an address of this machine under ENVIRONMENT=local`)
      expect(stderr).not.toContain('secret')
    }
  },
)

test('keys 5: a child process gets the shell without any setting, in whatever case it is written', () => {
  const shell = { PATH: '/bin', HOME: '/root', ...exportedElsewhere(), database_url: REMOTE }
  const {
    CLOUDFLARE_INCLUDE_PROCESS_ENV: _,
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: __,
    ...rest
  } = withoutSettings(shell)
  expect(rest).toEqual({ PATH: '/bin', HOME: '/root' })
  // What a Worker is given is typed by the same list (src/bindings.ts).
  expect(SETTING_NAMES.length).toBeGreaterThan(30)
})

test('keys 5: nothing of the local stack, the benchmarks or the operator hands the whole shell on', () => {
  const passing = ['dev', 'ops', 'bench', 'test/support'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((file) => path.join(folder, file))
      .filter((file) => file.endsWith('.ts') && readFileSync(file, 'utf8').includes('...process.env')),
  )
  expect(passing).toEqual([])
  for (const file of [
    'bench/stack.ts',
    'bench/workerd.ts',
    'dev/wrangler.ts',
    'ops/build.ts',
    'ops/deploy.ts',
  ])
    expect(readFileSync(file, 'utf8'), file).toContain('withoutSettings(process.env)')
})
