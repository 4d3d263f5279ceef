/** newcomer 20: an operator's command with `--local` finds what `npm run dev` runs, and what fails is one line. */
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BARE_SHELL } from '../support/bare-shell.ts'
import { useService } from '../support/service.ts'

const service = useService()
let folder = ''

/** What dev/worker.ts leaves while it runs. @param pid of who runs it */
async function leave(pid: number, settings: Record<string, string | undefined>): Promise<void> {
  await mkdir(path.join(folder, '.latchkey'), { recursive: true })
  const lines = Object.entries(settings).map(([name, value]) => `${name}="${value}"`)
  await writeFile(path.join(folder, '.latchkey/worker.env'), `${lines.join('\n')}\n`)
  await writeFile(path.join(folder, '.latchkey/worker.pid'), `${pid} ${pid}`)
}

async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [path.resolve(`ops/${command}.ts`), ...args], {
    cwd: folder,
    env: { ...BARE_SHELL, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { status, stdout, stderr }
}

const COMMANDS: [command: string, args: string[]][] = [
  ['audit', ['verify']],
  ['keys', []],
  ['events', []],
  ['migrate', []],
  ['import', ['users.ndjson', '--tenant', 'nobody-has-this-slug']],
]

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'latchkey-local-'))
  await writeFile(path.join(folder, 'users.ndjson'), '')
})
afterAll(() => rm(folder, { recursive: true }))

describe('newcomer 20: with --local', () => {
  test('a command asks the running npm run dev, whatever the shell says of a deployment', async () => {
    const { DATABASE_URL, AUTH_KEYS, SIGNING_SEAL_KEYS } = service().bindings
    await leave(process.pid, { DATABASE_URL, AUTH_KEYS, SIGNING_SEAL_KEYS })
    const shell = {
      DATABASE_URL: 'postgresql://owner:hunter2@db.example.com/prod',
      AUTH_KEYS: 'nonsense',
      ENVIRONMENT: 'production',
    }
    const says: Record<string, RegExp> = {
      audit: /intact|no audit events/,
      keys: /kid|AUTH_KEYS/,
      events: /no events are parked|parked; next/,
      migrate: /nothing to migrate/,
      import: /there is no tenant with that slug/,
    }
    for (const [command, args] of COMMANDS) {
      const { stdout, stderr } = await run(command, [...args, '--local'], shell)
      expect(stdout + stderr, command).toMatch(says[command] ?? /never/)
      expect(stdout + stderr).not.toContain('hunter2')
    }
  })

  test.each(COMMANDS)('npm run %s says to start it where none runs', async (command, args) => {
    await leave(2 ** 30, { DATABASE_URL: 'postgresql://latchkey:latchkey@127.0.0.1:1/latchkey' })
    const { status, stdout, stderr } = await run(command, [...args, '--local'])
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toBe(
      'no local stack is running in this folder; start it in another terminal with: npm run dev\n',
    )
  })
})

describe('newcomer 20: what fails is one line that says what to do', () => {
  const printed = 'postgresql://latchkey:hunter2@127.0.0.1:1/latchkey'

  test.each<[what: string, env: Record<string, string>, says: RegExp]>([
    ['no address', {}, /DATABASE_URL is missing: .*--local/],
    [
      'the address that npm run dev prints',
      { DATABASE_URL: printed },
      /DATABASE_URL is a local address.*--local/,
    ],
    [
      'that address under ENVIRONMENT=local',
      { DATABASE_URL: printed, ENVIRONMENT: 'local' },
      /^postgres could not be reached: .*--local/,
    ],
  ])('%s', async (_, env, says) => {
    for (const [command, args] of COMMANDS) {
      const { status, stdout, stderr } = await run(command, args, env)
      expect({ command, status, stdout }).toEqual({ command, status: 1, stdout: '' })
      expect(stderr, command).toMatch(says)
      expect(stderr.trim().split('\n'), command).toHaveLength(1)
      expect(stderr).not.toMatch(/hunter2|select|insert| at |\.ts:/)
    }
  })

  test('a database without our tables, and a file that is not there', async () => {
    const url = new URL(service().bindings.DATABASE_URL ?? '')
    url.pathname = '/postgres'
    const env = { DATABASE_URL: url.href, ENVIRONMENT: 'local' }
    for (const [command, args] of COMMANDS.filter(([name]) => name !== 'migrate')) {
      const { status, stderr } = await run(command, args, env)
      expect({ command, status }).toEqual({ command, status: 1 })
      expect(stderr.trim(), command).toMatch(
        /^postgres answered HTTP 400 42P01: [^\n]*(npm run migrate|AUDIT_DATABASE_URL\?)$/,
      )
    }
    const { DATABASE_URL } = service().bindings
    const tenant = await service().newTenant()
    const missing = await run('import', ['nothing.ndjson', '--tenant', tenant.slug], {
      DATABASE_URL: DATABASE_URL ?? '',
      ENVIRONMENT: 'local',
    })
    expect(missing.stderr.trim()).toMatch(/^nothing\.ndjson cannot be read \(ENOENT\)$/)
  })
})
