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

type State = {
  login: boolean
  accounts: { id: string; name: string }[]
  queues: string[]
  secrets: Record<string, string> | null
  deployed: number
  broken: string | null
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
    broken: null,
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
const kept = () =>
  Object.fromEntries(
    [...readFileSync(inFolder('.env.deployment'), 'utf8').matchAll(/^([A-Z_]+)="(.*)"$/gm)].map(
      ([, name, value]) => [name, value],
    ),
  )

async function setup(...words: string[]) {
  const child = spawn(
    process.execPath,
    ['--import', path.resolve('test/support/internet.js'), path.resolve('ops/setup.ts'), ...words],
    {
      cwd: folder,
      env: {
        PATH: `${inFolder('bin')}:${process.env.PATH}`,
        HOME: folder,
        ENVIRONMENT: 'local',
        WRANGLER_STATE: inFolder('state.json'),
        SETUP_HOST: HOST,
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
  const client = new pg.Client({
    ...{
      host: '127.0.0.1',
      port: inject('stack').postgresPort,
      user: 'latchkey',
      password: 'latchkey',
      database,
    },
  })
  await client.connect()
  try {
    return (await client.query<R>(query)).rows
  } finally {
    await client.end()
  }
}

const tables = () =>
  ask<{ name: string }>(`select relname as name from pg_class where relnamespace = 'public'::regnamespace`)

describe('a dry run', () => {
  test('says what it would do, and makes nothing', async () => {
    const { status, stdout, stderr, marks } = await setup(...WORDS)
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: 'Nothing was changed. The same with --yes does it.\n',
    })
    expect(marks).toMatchObject({
      ...{
        Cloudflare: 'is done',
        connections: 'is done',
        host: 'would',
        keyrings: 'would',
        database: 'would',
      },
      ...{ 'signing key': 'would', tenant: 'would', 'queue latchkey-events': 'would', secrets: 'would' },
      ...{ Worker: 'would', administrator: 'would' },
    })
    expect(stdout).toContain('AUTH_KEYS')
    expect(await tables()).toEqual([])
    expect(kept().AUTH_KEYS).toBeUndefined()
    expect(readFileSync(inFolder('wrangler.toml'), 'utf8')).toBe(readFileSync('wrangler.toml', 'utf8'))
    const { queues, secrets, deployed, calls } = read()
    expect({ queues, secrets, deployed }).toEqual({ queues: [], secrets: null, deployed: 0 })
    expect(calls.map(({ args }) => args.slice(0, 2).join(' '))).not.toContain('queues create')
  })
})

describe('with --yes', () => {
  test('goes from nothing to an administrator who is mailed a link, and a second run changes nothing', async () => {
    const first = await setup(...WORDS, '--yes')
    expect(first.stdout + first.stderr).toContain('It is deployed')
    const { queues, secrets, deployed } = read()
    expect(queues.toSorted()).toEqual(['latchkey-deliveries', 'latchkey-events', 'latchkey-events-dead'])
    expect(Object.keys(secrets ?? {}).toSorted()).toEqual(SECRETS.toSorted())
    expect(secrets).toEqual(kept())
    expect(deployed).toBe(1)
    expect(readFileSync(inFolder('wrangler.toml'), 'utf8')).toContain(
      `pattern = "${HOST}", custom_domain = true`,
    )
    expect(await ask('select slug, issuer from tenants')).toEqual([
      { slug: 'acme', issuer: `https://${HOST}` },
    ])
    expect(await ask('select email, roles, email_verified_at is not null as proved from users')).toEqual([
      { email: 'you@acme.test', roles: ['admin'], proved: true },
    ])
    expect(await ask(`select purpose from one_time_tokens`)).toEqual([{ purpose: 'reset_password' }])
    expect(await ask(`select count(*)::int as keys from signing_keys where state = 'current'`)).toEqual([
      { keys: 1 },
    ])

    const [before, mailed] = [{ ...read(), calls: [] }, await ask('select id, hash from one_time_tokens')]
    const second = await setup(...WORDS, '--yes')
    expect(second.marks).toEqual(
      Object.fromEntries(Object.keys(second.marks).map((name) => [name, 'is done'])),
    )
    expect({ ...read(), calls: [] }).toEqual(before)
    expect(await ask('select id, hash from one_time_tokens')).toEqual(mailed)
  })

  test('shows no secret, and puts none into a command line, an environment or a file that others can read', async () => {
    const { stdout, stderr } = await setup(...WORDS, '--yes')
    const values = Object.values(kept()).flatMap((value = '') => [value, value.split(':').at(-1) ?? ''])
    const secrets = values.filter((value) => value.length > 8)
    const { calls } = read()
    const said = stdout + stderr + JSON.stringify(calls.map(({ args }) => args))
    for (const secret of secrets) expect(said.includes(secret), secret.slice(0, 4)).toBe(false)
    for (const { env } of calls) expect(env.filter((name) => SECRETS.includes(name))).toEqual([])
    expect(statSync(inFolder('.env.deployment')).mode & 0o777).toBe(0o600)
  })

  test('stopped at any step, the next run goes on from there and makes nothing twice', async () => {
    change({ broken: 'latchkey-events-dead' })
    const stopped = await setup(...WORDS, '--yes')
    expect(stopped).toMatchObject({ status: 1, stderr: expect.stringContaining('what is done stays done') })
    expect(stopped.marks).toMatchObject({ tenant: 'done' })
    const ring = kept().AUTH_KEYS
    change({ broken: null })
    const { marks, stdout } = await setup(...WORDS, '--yes')
    expect(stdout).toContain('is done keyrings')
    expect(marks).toMatchObject({ tenant: 'is done', 'queue latchkey-events-dead': 'done', Worker: 'done' })
    expect(kept().AUTH_KEYS).toBe(ring)
    expect(await ask('select count(*)::int as tenants from tenants')).toEqual([{ tenants: 1 }])
  })

  test('gives a Worker only the secrets that it lacks', async () => {
    change({ secrets: { DATABASE_URL: 'another one', UPSTASH_REDIS_REST_URL: 'x' } })
    await setup(...WORDS, '--yes')
    expect(read().secrets).toMatchObject({ DATABASE_URL: 'another one', AUTH_KEYS: kept().AUTH_KEYS })
  })
})

describe('stops, and changes nothing', () => {
  const expectStop = async (says: string, words = [...WORDS, '--yes']) => {
    const { status, stderr } = await setup(...words)
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining(says) })
    expect(read()).toMatchObject({ queues: [], deployed: 0 })
  }

  test('where no one is signed in to Cloudflare, or the login has several accounts', async () => {
    change({ login: false })
    await expectStop('npx wrangler login')
    change({
      login: true,
      accounts: [
        { id: 'a1', name: 'Acme' },
        { id: 'b2', name: 'Other' },
      ],
    })
    await expectStop('CLOUDFLARE_ACCOUNT_ID')
    expect(await tables()).toEqual([])
  })

  test('where an address of a database or of Redis is not given, or others can read the file', async () => {
    const { DATABASE_URL = '' } = kept()
    keep({ DATABASE_URL })
    await expectStop('UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN')
    chmodSync(inFolder('.env.deployment'), 0o644)
    await expectStop('chmod 600')
  })

  test('where the keyrings of a deployment are lost: new ones would make everything unreadable', async () => {
    change({ secrets: { AUTH_KEYS: 'k1:of-before' } })
    await expectStop('the Worker has them')
    expect(kept().AUTH_KEYS).toBeUndefined()
    change({ secrets: null })
    const { AUTH_KEYS: _, SIGNING_SEAL_KEYS: __, ...given } = kept()
    await setup(...WORDS, '--yes')
    keep(given as Record<string, string>)
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
    await expectStop(says, words)
  })
})
