/** `npm run setup`: from nothing to an administrator, with a wrangler that has no account and a PostgreSQL that is real and empty. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { setupCommand } from '../../ops/setup.ts'
import { useService } from '../support/service.ts'

const service = useService()

const HOST = 'auth.acme.test'
const WORDS = ['--host', HOST, '--tenant', 'acme', '--name', 'Acme', '--admin', 'you@acme.test']
const SECRETS = [
  'DATABASE_URL',
  'UPSTASH_REDIS_REST_URL',
  'UPSTASH_REDIS_REST_TOKEN',
  'AUTH_KEYS',
  'SIGNING_SEAL_KEYS',
]

const QUEUES = ['latchkey-deliveries', 'latchkey-events', 'latchkey-events-dead']
/** How often a run is killed in each step, by its number; wrangler's by its command. */
const STOPS = { 2: 1, 3: 1, 4: 2, 5: 1, 6: 1, queues: 1, secret: 1, deploy: 1, 12: 2 }
/** What the database has at the end. */
const COMPLETE = {
  tenants: [{ slug: 'acme', issuer: `https://${HOST}`, host: HOST }],
  users: [{ email: 'you@acme.test', roles: ['admin'], proved: true }],
  links: [{ purpose: 'reset_password' }],
  keys: [{ state: 'current' }],
}

type State = {
  login: boolean
  accounts: { id: string; name: string }[]
  queues: string[]
  secrets: Record<string, string> | null
  deployed: number
  /** What the host answers in our place, before we are deployed. */
  other?: string
  /** After which changes a run was killed; null when none is to be. */
  stops: string[] | null
  calls: { args: string[]; env: string[] }[]
}

let folder = ''
let database = ''
const inFolder = (name: string) => path.join(folder, name)

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-setup-'))
  database = `setup_${randomUUID().replaceAll('-', '')}`
  await service().sql(`create database ${database}`)
  mkdirSync(inFolder('bin'))
  copyFileSync('test/support/wrangler.js', inFolder('bin/wrangler'))
  writeFileSync(inFolder('bin/package.json'), '{"type":"module"}')
  chmodSync(inFolder('bin/wrangler'), 0o755)
  copyFileSync('wrangler.toml', inFolder('wrangler.toml'))
  change({
    login: true,
    accounts: [{ id: 'a1', name: 'Acme' }],
    queues: [],
    secrets: null,
    deployed: 0,
    stops: null,
    calls: [],
  })
  const { DATABASE_URL = '', UPSTASH_REDIS_REST_URL = '', UPSTASH_REDIS_REST_TOKEN = '' } = service().bindings
  const url = new URL(DATABASE_URL)
  url.pathname = database
  keep({ DATABASE_URL: url.href, UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN })
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  await service().sql(`drop database ${database} with (force)`)
})

const read = (): State => JSON.parse(readFileSync(inFolder('state.json'), 'utf8'))
const change = (part: Partial<State>) => {
  const before = part.calls ? {} : read()
  writeFileSync(inFolder('state.json'), JSON.stringify({ ...before, ...part }))
}

const keep = (values: Record<string, string>) =>
  writeFileSync(
    inFolder('.env.deployment'),
    Object.entries(values)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
    { mode: 0o600 },
  )
const kept = (): Record<string, string> =>
  Object.fromEntries(
    [...readFileSync(inFolder('.env.deployment'), 'utf8').matchAll(/^([A-Z_]+)="(.*)"$/gm)].map(
      ([, name, value]) => [name, value],
    ),
  )

const setup = (...words: string[]) => setupWith({}, ...words)

/** @param env what the operator's shell has besides */
async function setupWith(env: Record<string, string>, ...words: string[]) {
  const child = spawn(
    process.execPath,
    ['--import', path.resolve('test/support/setup-outside.js'), path.resolve('ops/setup.ts'), ...words],
    {
      cwd: folder,
      env: {
        PATH: `${inFolder('bin')}:${process.env.PATH}`,
        HOME: folder,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        ENVIRONMENT: 'local',
        WRANGLER_STATE: inFolder('state.json'),
        SETUP_HOST: HOST,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('close', resolve)),
  ])
  return {
    status,
    stdout,
    stderr,
    marks: Object.fromEntries(
      [...stdout.matchAll(/^(is done|done|would) +([^:]+):/gm)].map(([, mark, name]) => [name, mark]),
    ),
  }
}

async function ask<R extends pg.QueryResultRow>(query: string): Promise<R[]> {
  const address = `postgresql://latchkey:latchkey@127.0.0.1:${inject('stack').postgresPort}/${database}`
  const client = new pg.Client({ connectionString: address })
  await client.connect()
  try {
    return (await client.query<R>(query)).rows
  } finally {
    await client.end()
  }
}

const tables = () =>
  ask<{ name: string }>(`select relname as name from pg_class where relnamespace = 'public'::regnamespace`)

const inDatabase = async () => ({
  tenants: await ask('select slug, issuer, host from tenants join tenant_hosts on tenant_id = tenants.id'),
  users: await ask('select email, roles, email_verified_at is not null as proved from users'),
  links: await ask('select purpose from one_time_tokens'),
  keys: await ask('select state from signing_keys'),
})

describe('a dry run', { timeout: 120_000 }, () => {
  test('says what it would do, and makes nothing', async () => {
    const { status, stdout, stderr, marks } = await setup(...WORDS)
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: 'Nothing was changed. The same with --yes does it.\n',
    })
    const { Cloudflare, connections, ...others } = marks
    expect({ Cloudflare, connections }).toEqual({ Cloudflare: 'is done', connections: 'is done' })
    expect([...new Set(Object.values(others))]).toEqual(['would'])
    expect(Object.keys(others)).toHaveLength(11)
    expect(stdout).toContain('AUTH_KEYS')
    expect(await tables()).toEqual([])
    expect(kept().AUTH_KEYS).toBeUndefined()
    expect(readFileSync(inFolder('wrangler.toml'), 'utf8')).toBe(readFileSync('wrangler.toml', 'utf8'))
    const { queues, secrets, deployed, calls } = read()
    expect({ queues, secrets, deployed }).toEqual({ queues: [], secrets: null, deployed: 0 })
    expect(calls.map(({ args }) => args.slice(0, 2).join(' '))).not.toContain('queues create')
  })
})

/** In what was shown, in a command line, in an environment, or in a file that others can read. */
function expectNoSecret(shown: string): void {
  const values = Object.values(kept()).flatMap((value = '') => [value, value.split(':').at(-1) ?? ''])
  const secrets = values.filter((value) => value.length > 8)
  expect(secrets.length).toBeGreaterThan(SECRETS.length)
  const { calls } = read()
  const said = shown + JSON.stringify(calls.map(({ args }) => args))
  for (const secret of secrets) expect(said.includes(secret), secret.slice(0, 4)).toBe(false)
  for (const { env } of calls) expect(env.filter((name) => SECRETS.includes(name))).toEqual([])
  expect(statSync(inFolder('.env.deployment')).mode & 0o777).toBe(0o600)
}

const commentsOf = (file: string) =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('#'))

describe('with --yes', { timeout: 120_000 }, () => {
  test('goes from nothing to an administrator who is mailed a link, shows no secret, and changes nothing a second time', async () => {
    const first = await setup(...WORDS, '--yes')
    expect(first.stdout + first.stderr).toContain('It is deployed')
    expect(first.stdout).toContain('done    keyrings: make AUTH_KEYS and SIGNING_SEAL_KEYS')
    const { queues, secrets, deployed } = read()
    expect(queues.toSorted()).toEqual(QUEUES)
    expect(Object.keys(secrets ?? {}).toSorted()).toEqual(SECRETS.toSorted())
    expect(secrets).toEqual(kept())
    expect(deployed).toBe(1)
    expect(readFileSync(inFolder('wrangler.toml'), 'utf8')).toContain(
      `pattern = "${HOST}", custom_domain = true`,
    )
    expect(commentsOf(inFolder('wrangler.toml'))).toEqual(commentsOf('wrangler.toml'))
    expect(await inDatabase()).toEqual(COMPLETE)
    expectNoSecret(first.stdout + first.stderr)

    const [before, mailed] = [{ ...read(), calls: [] }, await ask('select id, hash from one_time_tokens')]
    const second = await setup(...WORDS, '--yes')
    expect(second.marks).toEqual(
      Object.fromEntries(Object.keys(second.marks).map((name) => [name, 'is done'])),
    )
    expect({ ...read(), calls: [] }).toEqual(before)
    expect(await ask('select id, hash from one_time_tokens')).toEqual(mailed)
  })

  test('killed in the middle of each step, and run again, ends as a run that no one stopped', {
    timeout: 240_000,
  }, async () => {
    change({ stops: [], secrets: { UPSTASH_REDIS_REST_URL: 'as it was' } })
    let ran = await setup(...WORDS, '--yes')
    let killed = 0
    for (; ran.status === null; killed++) ran = await setup(...WORDS, '--yes')
    expect(ran.stderr).toContain('It is deployed')
    const { queues, secrets, deployed, stops } = read()
    expect(stops).toHaveLength(killed)
    const inStep = Object.groupBy(stops ?? [], (stop) => stop.slice(0, stop.indexOf(' ')))
    const counted = Object.entries(inStep).map(([step, found]) => [step, found?.length])
    expect(Object.fromEntries(counted)).toEqual(STOPS)
    expect({ queues: queues.toSorted(), secrets, deployed }).toEqual({
      queues: QUEUES,
      secrets: { ...kept(), UPSTASH_REDIS_REST_URL: 'as it was' }, // what a Worker has, it keeps
      deployed: 1,
    })
    expect(Object.keys(kept()).toSorted()).toEqual(SECRETS.toSorted())
    expect(await inDatabase()).toEqual(COMPLETE)
    const shipped = readFileSync('wrangler.toml', 'utf8').split('\n')
    const own = readFileSync(inFolder('wrangler.toml'), 'utf8').split('\n')
    expect(own).toHaveLength(shipped.length)
    expect(own.filter((line) => !line.startsWith('#') && line.includes('example.com'))).toEqual([])
  })
})

describe('what was there before', { timeout: 120_000 }, () => {
  test('a variable of the shell counts, and is not in the environment of what is started', async () => {
    const { DATABASE_URL = '', ...others } = kept()
    keep(others)
    const { stderr } = await setupWith({ DATABASE_URL }, ...WORDS, '--yes')
    expect(stderr).toContain('It is deployed')
    const { secrets, calls } = read()
    expect(secrets).toMatchObject({ DATABASE_URL })
    expect(calls.flatMap(({ env }) => env)).not.toContain('DATABASE_URL')
  })

  test('a page of someone else at the host is not ours: it is deployed', async () => {
    change({ other: '<title>Coming soon</title>' })
    const { marks } = await setup(...WORDS, '--yes')
    expect(marks.Worker).toBe('done')
    expect(read().deployed).toBe(1)
  })
})

describe('stops, and changes nothing', { timeout: 120_000 }, () => {
  const expectStop = async (says: string) => {
    const { status, stderr } = await setup(...WORDS, '--yes')
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining(says) })
    expect(stderr).toContain('what is done stays done')
    expect(read()).toMatchObject({ queues: [], deployed: 0 })
  }

  test('where no one is signed in to Cloudflare, or the login has several accounts', async () => {
    change({ login: false })
    await expectStop('npx wrangler login')
    change({ login: true, accounts: ['Acme', 'Other'].map((name) => ({ id: name, name })) })
    await expectStop('has 2 accounts')
    expect(await tables()).toEqual([])
  })

  test('where an address of a database or of Redis is not given, or others can read the file', async () => {
    const { DATABASE_URL = '' } = kept()
    keep({ DATABASE_URL })
    await expectStop('UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN')
    chmodSync(inFolder('.env.deployment'), 0o644)
    await expectStop('others can read it')
  })

  test('where wrangler.toml has hosts of the operator, and not this one', async () => {
    const file = inFolder('wrangler.toml')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('example.com', 'other.test'))
    await expectStop('has no route for auth.acme.test; it has auth.other.test')
  })

  test('where the tenant answers at another host', async () => {
    await setup(...WORDS, '--yes')
    change({ queues: [], deployed: 0 })
    await ask(`update tenant_hosts set host = 'login.acme.test'`)
    await expectStop('acme is there and does not answer at auth.acme.test')
    expect((await inDatabase()).tenants).toMatchObject([{ host: 'login.acme.test' }])
  })

  test('where the keyrings of a deployment are lost: new ones would make everything unreadable', async () => {
    change({ secrets: { AUTH_KEYS: 'k1:of-before' } })
    await expectStop('the Worker has them')
    expect(kept().AUTH_KEYS).toBeUndefined()
    change({ secrets: null })
    const { AUTH_KEYS: _, SIGNING_SEAL_KEYS: __, ...given } = kept()
    await setup(...WORDS, '--yes')
    keep(given)
    change({ secrets: null, queues: [], deployed: 0 })
    await expectStop('the database was used with some')
    expect(kept().AUTH_KEYS).toBeUndefined()
  })

  test.each([
    [['--tenant', 'acme', '--admin', 'you@acme.test'], 'npm run setup -- --host'],
    [['--host', 'https://x', '--tenant', 'acme', '--admin', 'you@acme.test'], 'not a host name'],
    [[...WORDS, '--zone', 'other.test'], 'is not a host of the zone'],
    [['--host', HOST, '--tenant', 'A B', '--admin', 'you@acme.test'], '--tenant'],
    [['--host', HOST, '--tenant', 'acme', '--admin', 'you'], '--admin'],
    [[...WORDS, '--force'], '--force'],
  ])('where what was asked cannot be: %j', async (words, says) => {
    await expect(setupCommand(words)).rejects.toThrow(says)
  })
})
