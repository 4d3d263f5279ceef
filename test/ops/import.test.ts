import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { importUsers, type LineReport } from '../../ops/import.ts'
import { NO_PEPPER } from '../../src/crypto/foreign-hash.ts'
import {
  BCRYPT,
  BCRYPT_PASSWORD,
  countAccounts,
  FIREBASE_CONFIG,
  firebaseUser,
  importedEvents,
  storedPassword,
} from '../admin/import.ts'
import { countBy, newClient, newEmail } from '../support/client.ts'
import { type TestTenant, useService } from '../support/service.ts'

const service = useService()

const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-import-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => service().gates.postgres.set('open'))

const person = (email: string) => JSON.stringify({ email, email_verified: true, password_hash: BCRYPT })
const newEmails = (count: number) => Array.from({ length: count }, newEmail)

/** What the command makes of `bytes`, which it gets in pieces of `size`. */
async function imported(
  { id: tenantId }: TestTenant,
  bytes: Buffer,
  { size = 64 * 1024, firebase = null }: { size?: number; firebase?: typeof FIREBASE_CONFIG | null } = {},
) {
  const reports: LineReport[] = []
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
  const report = (line: LineReport) => reports.push(line)
  const counts = await importUsers(service().operator, { tenantId, firebase }, pieces(), report)
  return { reports, counts }
}

function writeLines(lines: string[]): string {
  const file = path.join(folder, `${randomUUID()}.ndjson`)
  writeFileSync(file, lines.join('\n'))
  return file
}

type Ran = { status: number | null; stdout: string; stderr: string }

function start(args: string[]): { child: ChildProcess; ended: Promise<Ran> } {
  const { DATABASE_URL } = service().bindings
  const env = { ...process.env, ENVIRONMENT: 'local', DATABASE_URL, AUDIT_DATABASE_URL: DATABASE_URL }
  const child = spawn(process.execPath, ['ops/import.ts', ...args], { env })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, stdout, stderr }))
  })
  return { child, ended }
}

const runImport = (...args: string[]): Promise<Ran> => start(args).ended

const reportsOf = ({ stdout }: Ran): LineReport[] =>
  stdout
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line))

describe('a file', () => {
  test('is reported line by line, whatever is wrong with one of them', async () => {
    const client = await newClient(service())
    const [first, second, third] = newEmails(3)
    const lines = [
      person(first ?? ''),
      'not json at all',
      '',
      '{"email":"a@example.com","email":"b@example.com"}',
      '["a@example.com"]',
      'null',
      `{"a":${'['.repeat(9)}${']'.repeat(9)}}`,
      JSON.stringify({ email: newEmail(), password_hash: '$1$old$md5crypt' }),
      JSON.stringify({ email: newEmail(), name: 'x'.repeat(17 * 1024) }),
      `${person(second ?? '')}\r`,
      person((first ?? '').toUpperCase()),
      JSON.stringify({ [newEmail()]: 'who knows' }),
      JSON.stringify({ email: newEmail(), 'secret column': 'x' }),
      '   ',
      person(third ?? ''),
    ]
    const bytes = Buffer.concat([Buffer.from(`\ufeff${lines.join('\n')}\n"`), Buffer.from([0xff, 0x22])])
    const { reports, counts } = await imported(client.tenant, bytes)
    const created = { status: 'created', id: expect.any(String) }
    expect(reports).toEqual([
      { line: 1, ...created },
      { line: 2, status: 'refused', code: 'not_json' },
      { line: 4, status: 'refused', code: 'duplicate_key' },
      { line: 5, status: 'refused', code: 'wrong_type' },
      { line: 6, status: 'refused', code: 'wrong_type' },
      { line: 7, status: 'refused', code: 'too_deep' },
      { line: 8, status: 'refused', code: 'unknown_hash', pointer: '/password_hash' },
      { line: 9, status: 'refused', code: 'line_too_long' },
      { line: 10, ...created },
      { line: 11, status: 'exists' },
      { line: 12, status: 'refused', code: 'missing', pointer: '/email' },
      { line: 13, status: 'refused', code: 'unknown_field' },
      { line: 15, ...created },
      { line: 16, status: 'refused', code: 'not_utf8' },
    ])
    expect(counts).toEqual({ created: 3, exists: 1, refused: 10 })
    expect((await client.login(second ?? '', BCRYPT_PASSWORD)).status).toBe(200)
    for (const { actor, client: from } of await importedEvents(service(), client))
      expect({ actor, from }).toEqual({ actor: null, from: null })
  })

  test.each([1, 2, 7, 61, 4096])('reads the same in pieces of %d bytes', async (size) => {
    const { tenant } = await newClient(service())
    const text = `${newEmails(3).map(person).join('\n')}\n${'é'.repeat(9000)}\n{"email":"é"}\n${person(newEmail())}`
    const { reports } = await imported(tenant, Buffer.from(text), { size })
    expect(reports.map(({ line, status }) => `${line} ${status}`)).toEqual([
      '1 created',
      '2 created',
      '3 created',
      '4 refused',
      '5 refused',
      '6 created',
    ])
  })

  test('of more lines than one statement takes is imported whole, and again changes nothing', async () => {
    const client = await newClient(service())
    const emails = newEmails(250)
    const bytes = Buffer.from(emails.map(person).join('\n'))
    expect((await imported(client.tenant, bytes)).counts).toEqual({ created: 250, exists: 0, refused: 0 })
    expect((await imported(client.tenant, bytes)).counts).toEqual({ created: 0, exists: 250, refused: 0 })
    expect(await countAccounts(service(), client, emails)).toBe(250)
    expect(await importedEvents(service(), client)).toHaveLength(250)
  })

  test('of a Firebase project leaves what is the same for all of it to another file', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const line = JSON.stringify({ email, email_verified: true, password_hash: firebaseUser('user1password') })
    const without = await imported(client.tenant, Buffer.from(line))
    expect(without.reports).toEqual([
      { line: 1, status: 'refused', code: 'missing', pointer: '/password_hash/base64_signer_key' },
    ])
    const { counts } = await imported(client.tenant, Buffer.from(line), { firebase: FIREBASE_CONFIG })
    expect(counts).toEqual({ created: 1, exists: 0, refused: 0 })
    expect(await storedPassword(service(), client, email)).toMatchObject({ key_id: NO_PEPPER })
    expect((await client.login(email, 'user1password')).status).toBe(200)
  })

  test('stops at a database that is away, says so without a parameter, and goes on when run again', async () => {
    const { tenant } = await newClient(service())
    const [email = ''] = newEmails(1)
    // PostgreSQL's own refusal, which the driver quotes with the statement's parameters.
    const nowhere = { ...tenant, id: randomUUID() }
    const failed = await imported(nowhere, Buffer.from(person(email))).catch((error: Error) => error)
    expect(failed).toBeInstanceOf(Error)
    const text = failed instanceof Error ? `${failed.message} ${failed.cause ?? ''}` : ''
    expect(text).toContain('can be run again')
    expect(text).not.toContain(email)
    expect(text).not.toContain(BCRYPT)
    expect((await imported(tenant, Buffer.from(person(email)))).counts).toMatchObject({ created: 1 })
  })
})

describe('races', () => {
  test('50 imports of one address at once make one account', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const bytes = Buffer.from(person(email))
    const runs = await Promise.all(Array.from({ length: 50 }, () => imported(client.tenant, bytes)))
    expect(
      countBy(
        runs.flatMap(({ reports }) => reports),
        ({ status }) => status,
      ),
    ).toEqual({ created: 1, exists: 49 })
    expect(await countAccounts(service(), client, [email])).toBe(1)
  })

  test('two imports of one file at once import each address once', async () => {
    const client = await newClient(service())
    const emails = newEmails(300)
    const runs = await Promise.all(
      [emails, emails.toReversed()].map((order) =>
        imported(client.tenant, Buffer.from(order.map(person).join('\n'))),
      ),
    )
    expect(
      countBy(
        runs.flatMap(({ reports }) => reports),
        ({ status }) => status,
      ),
    ).toEqual({
      created: 300,
      exists: 300,
    })
    expect(await countAccounts(service(), client, emails)).toBe(300)
    expect(await importedEvents(service(), client)).toHaveLength(300)
  })
})

describe('npm run import', () => {
  let other: TestTenant
  beforeAll(async () => {
    other = await service().newTenant()
  })

  test('reports on stdout, sums up on stderr, and ends with 1 when a line was refused', async () => {
    const client = await newClient(service())
    const [first = '', second = ''] = newEmails(2)
    const good = writeLines([person(first), person(second)])
    const ran = await runImport(good, '--tenant', client.tenant.slug)
    expect(ran).toMatchObject({ status: 0, stderr: '2 created, 0 exist, 0 refused\n' })
    expect(reportsOf(ran)).toEqual([
      { line: 1, status: 'created', id: expect.any(String) },
      { line: 2, status: 'created', id: expect.any(String) },
    ])
    const bad = writeLines([person(first), '{', person('nobody')])
    const again = await runImport(bad, '--tenant', client.tenant.slug)
    expect(again).toMatchObject({ status: 1, stderr: '0 created, 1 exist, 2 refused\n' })
    for (const secret of [first, second, 'nobody', BCRYPT]) {
      expect(ran.stdout + ran.stderr).not.toContain(secret)
      expect(again.stdout + again.stderr).not.toContain(secret)
    }
  })

  test('takes the parameters of a Firebase project from a file, and prints none of them', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const hash = firebaseUser('user1password')
    const file = writeLines([JSON.stringify({ email, email_verified: true, password_hash: hash })])
    const tenant = ['--tenant', client.tenant.slug]
    const config = writeLines([JSON.stringify({ algorithm: 'SCRYPT', ...FIREBASE_CONFIG })])
    const ran = await runImport(file, ...tenant, '--firebase', config)
    expect(ran).toMatchObject({ status: 0, stderr: '1 created, 0 exist, 0 refused\n' })
    const broken = writeLines([FIREBASE_CONFIG.base64_signer_key])
    const refused = await runImport(file, ...tenant, '--firebase', broken)
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    for (const { stdout, stderr } of [ran, refused])
      expect(stdout + stderr).not.toContain(FIREBASE_CONFIG.base64_signer_key.slice(0, 8))
  })

  test('that was killed in the middle is run again, and nobody is missing or there twice', async () => {
    const client = await newClient(service())
    const emails = newEmails(1500)
    const args = [writeLines(emails.map(person)), '--tenant', client.tenant.slug]
    const { child, ended } = start(args)
    child.stdout?.once('data', () => child.kill('SIGKILL'))
    const cut = await ended
    expect(cut.status).toBeNull()
    const there = await countAccounts(service(), client, emails)
    expect(there).toBeGreaterThan(0)
    expect(there).toBeLessThan(1500)
    // What it said is true; what it did not come to say may be true as well.
    expect(reportsOf(cut).length).toBeLessThanOrEqual(there)

    const again = await runImport(...args)
    const { created, exists } = countBy(reportsOf(again), ({ status }) => status)
    expect({ status: again.status, created, exists }).toEqual({
      status: 0,
      created: 1500 - there,
      exists: there,
    })
    expect(await countAccounts(service(), client, emails)).toBe(1500)
    expect(await importedEvents(service(), client)).toHaveLength(1500)
    expect((await client.login(emails.at(-1) ?? '', BCRYPT_PASSWORD)).status).toBe(200)
  })

  test.each([
    ['no file', [], 'npm run import -- users.ndjson'],
    ['a tenant that there is not', ['FILE', '--tenant', 'nobody'], 'there is no tenant with that slug'],
    ['several tenants and none named', ['FILE'], 'name one with --tenant'],
    ['an option that there is not', ['FILE', '--tennant', 'x'], '--tennant'],
    ['a file that there is not', ['/nowhere.ndjson', '--tenant', 'OTHER'], 'ENOENT'],
  ])('refuses %s in one line', async (_, args, message) => {
    const email = newEmail()
    const file = writeLines([person(email)])
    const filled = args.map((arg) => arg.replace('FILE', file).replace('OTHER', other.slug))
    const { status, stdout, stderr } = await runImport(...filled)
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain(email)
  })
})

test('npm run keys counts imported passwords, and names no key for them', async () => {
  const client = await newClient(service())
  await imported(client.tenant, Buffer.from(person(newEmail())))
  const { DATABASE_URL } = service().bindings
  const env = { ...process.env, ENVIRONMENT: 'local', DATABASE_URL, AUDIT_DATABASE_URL: DATABASE_URL }
  const child = spawn(process.execPath, ['ops/keys.ts'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  for await (const chunk of child.stdout) stdout += chunk
  const rows = stdout.split('\n').filter((row) => row.includes(NO_PEPPER))
  expect(rows).toHaveLength(1)
  expect(rows[0]).toContain('imported passwords')
  expect(rows[0]).not.toContain('AUTH_KEYS')
})
