import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createOperatorContext } from '../../ops/context.ts'
import { createFirstLines } from '../../ops/first-lines.ts'
import { DEADLINES, importUsers, type LineReport } from '../../ops/import.ts'
import type { CanonicalEmail } from '../../src/accounts/accounts.ts'
import { NO_PEPPER } from '../../src/crypto/foreign-hash.ts'
import { countBy, newClient, newEmail } from '../support/client.ts'
import {
  BCRYPT,
  BCRYPT_PASSWORD,
  countAccounts,
  FIREBASE_CONFIG,
  firebaseUser,
  importedEvents,
  storedPassword,
} from '../support/import-users.ts'
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
  const { statuses } = await importUsers(
    service().operator,
    { tenantId, rpId: 'localhost', firebase },
    pieces(),
    report,
  )
  return { reports, counts: Object.fromEntries(Object.entries(statuses).filter(([, count]) => count > 0)) }
}

function writeLines(lines: string[]): string {
  const file = path.join(folder, `${randomUUID()}.ndjson`)
  writeFileSync(file, lines.join('\n'))
  return file
}

const rejectedOf = (file: string) => file.replace('.ndjson', '.rejected.ndjson')

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
      JSON.stringify({ email: newEmail(), password_hash: 'no hash at all' }),
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
      { line: 11, status: 'duplicate', first: 1 },
      { line: 12, status: 'refused', code: 'missing', pointer: '/email' },
      { line: 13, status: 'refused', code: 'unknown_field' },
      { line: 15, ...created },
      { line: 16, status: 'refused', code: 'not_utf8' },
    ])
    expect(counts).toEqual({ created: 3, duplicate: 1, refused: 10 })
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
    expect((await imported(client.tenant, bytes)).counts).toEqual({ created: 250 })
    expect((await imported(client.tenant, bytes)).counts).toEqual({ exists: 250 })
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
    expect(counts).toEqual({ created: 1 })
    expect(await storedPassword(service(), client, email)).toMatchObject({ key_id: NO_PEPPER })
    expect((await client.login(email, 'user1password')).status).toBe(200)
  })

  test('files 6: a line of a Firebase export is taken as it is, beside the parameters of its project', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const { hash, salt } = firebaseUser('user1password')
    const dates = { lastSignedInAt: '1486324943000', createdAt: '1486324943000' }
    const user = {
      localId: '1',
      email,
      emailVerified: true,
      passwordHash: hash,
      salt,
      displayName: 'Ada',
      ...dates,
    }
    const line = JSON.stringify({ ...user, providerUserInfo: [] })
    const { counts } = await imported(client.tenant, Buffer.from(line), { firebase: FIREBASE_CONFIG })
    expect(counts).toEqual({ created: 1 })
    const signedIn = await client.login(email, 'user1password')
    expect(signedIn).toMatchObject({ status: 200, body: { user: { name: 'Ada', email_verified: true } } })
  })

  test('stops at a database that is away, says so without a parameter, and goes on when run again', async () => {
    const { tenant } = await newClient(service())
    const [email = ''] = newEmails(1)
    // PostgreSQL's own refusal, which the driver quotes with the statement's parameters.
    const nowhere = { ...tenant, id: randomUUID() }
    const failed = await imported(nowhere, Buffer.from(person(email))).catch((error: Error) => error)
    expect(failed).toBeInstanceOf(Error)
    const text = failed instanceof Error ? `${failed.message} ${failed.cause ?? ''}` : ''
    expect(text).toContain('you can run it again')
    expect(text).not.toContain(email)
    expect(text).not.toContain(BCRYPT)
    expect((await imported(tenant, Buffer.from(person(email)))).counts).toMatchObject({ created: 1 })
  })
})

describe('files 9: a long file', () => {
  test('has no last moment: a command that has run for a day still imports', async () => {
    const { tenant } = await newClient(service())
    const { DATABASE_URL = '' } = service().bindings
    const ctx = createOperatorContext(
      { ENVIRONMENT: 'local', DATABASE_URL, AUDIT_DATABASE_URL: DATABASE_URL },
      ['DATABASE_URL'],
      DEADLINES,
    )
    const now = Date.now()
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now + 86_400_000)
    try {
      const chunks = (async function* () {
        yield Buffer.from(person(newEmail()))
      })()
      const { statuses } = await importUsers(
        ctx,
        { tenantId: tenant.id, rpId: 'localhost', firebase: null },
        chunks,
        () => {},
      )
      expect(statuses.created).toBe(1)
    } finally {
      clock.mockRestore()
    }
  })

  test('of 200,000 addresses is told apart, and each repeat knows its first line', () => {
    const firstLineOf = createFirstLines()
    const email = (n: number) => `user${n}@example.com` as CanonicalEmail // it is in this form
    const known = Array.from({ length: 200_000 }, (_, n) => firstLineOf(email(n), n + 1))
    expect(known.filter((line) => line !== null)).toEqual([])
    for (const n of [0, 1, 99_999, 199_999]) expect(firstLineOf(email(n), 300_000)).toBe(n + 1)
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
    expect(ran).toMatchObject({ status: 0, stderr: '2 lines\n2 created\n' })
    expect(reportsOf(ran)).toEqual([
      { line: 1, status: 'created', id: expect.any(String) },
      { line: 2, status: 'created', id: expect.any(String) },
    ])
    const bad = writeLines([person(first), '{', person('nobody')])
    const again = await runImport(bad, '--tenant', client.tenant.slug)
    expect(again.status).toBe(1)
    expect(again.stderr.split('\n')).toEqual([
      '3 lines',
      '1 already had an account, which was not changed',
      '2 refused:',
      '  1 × not_json (first on line 2)',
      '  1 × invalid_email /email (first on line 3)',
      `The lines that were not imported are in ${rejectedOf(bad)}. Correct them and import that file.`,
      '',
    ])
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
    expect(ran).toMatchObject({ status: 0, stderr: '1 line\n1 created\n' })
    const broken = writeLines([FIREBASE_CONFIG.base64_signer_key])
    const refused = await runImport(file, ...tenant, '--firebase', broken)
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    for (const { stdout, stderr } of [ran, refused])
      expect(stdout + stderr).not.toContain(FIREBASE_CONFIG.base64_signer_key.slice(0, 8))
  })

  test('files 7: a collision in the file is a duplicate with both lines, ends with 1, and stays one when run again', async () => {
    const client = await newClient(service())
    const [twin = '', other = ''] = newEmails(2)
    const file = writeLines([person(twin.toUpperCase()), person(other), '', person(twin)])
    const ran = await runImport(file, '--tenant', client.tenant.slug)
    expect(reportsOf(ran)[2]).toEqual({ line: 4, status: 'duplicate', first: 1 })
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('2 created\n1 duplicate: the email is on an earlier line of this file\n')
    const again = await runImport(file, '--tenant', client.tenant.slug)
    expect(reportsOf(again)).toEqual([
      { line: 1, status: 'exists' },
      { line: 2, status: 'exists' },
      { line: 4, status: 'duplicate', first: 1 },
    ])
    expect(again.status).toBe(1)
    expect(await countAccounts(service(), client, [twin, other])).toBe(2)
  })

  test('files 7: a file without collisions that is run again ends with 0, and says that all were there', async () => {
    const client = await newClient(service())
    const file = writeLines(newEmails(3).map(person))
    expect(await runImport(file, '--tenant', client.tenant.slug)).toMatchObject({ status: 0 })
    const again = await runImport(file, '--tenant', client.tenant.slug)
    expect(again).toMatchObject({
      status: 0,
      stderr: '3 lines\n3 already had an account, which was not changed\n',
    })
  })

  test('files 6: sums up what was mended, how many are disabled and how many have no password', async () => {
    const client = await newClient(service())
    const line = (more: object) => JSON.stringify({ email: newEmail(), ...more })
    const file = writeLines([
      line({ name: 'Ada\tL', password_hash: BCRYPT, locale: 'de_DE' }),
      line({ name: 'Bob\tL', password_hash: '!', blocked: true }),
      line({ roles: ['a b', 'b c'], password_hash: '' }),
    ])
    const ran = await runImport(file, '--tenant', client.tenant.slug)
    expect(ran.status, 'a warning is no failure').toBe(0)
    expect(reportsOf(ran)[0]).toMatchObject({
      status: 'created',
      warnings: [
        { pointer: '/name', code: 'cleaned' },
        { pointer: '/locale', code: 'rewritten' },
      ],
    })
    expect(ran.stderr.split('\n')).toEqual([
      '3 lines',
      '3 created',
      '  of these 1 disabled',
      '  of these 2 without a password; a password reset sets one',
      'Imported with changes:',
      '  2 × cleaned /name (first on line 1)',
      '  2 × invalid_role /roles/… (first on line 3)',
      '  1 × rewritten /locale (first on line 1)',
      '  1 × unusable_password /password_hash (first on line 2)',
      '  1 × empty /password_hash (first on line 3)',
      '',
    ])
  })

  test('files 7: keeps what it did not import, as it was, in a file that can be corrected and imported', async () => {
    const client = await newClient(service())
    const [first = '', second = ''] = newEmails(2)
    const wrong = [`{"email":"${second}","password_hash":"$6$x$y"}`, person(first), '{"email":"é']
    const file = writeLines([person(first), ...wrong])
    await runImport(file, '--tenant', client.tenant.slug)
    const rejected = rejectedOf(file)
    expect(readFileSync(rejected, 'utf8')).toBe(`${wrong.join('\n')}\n`)
    expect(statSync(rejected).mode & 0o777, 'it holds hashes').toBe(0o600)

    writeFileSync(rejected, person(second))
    expect(await runImport(rejected, '--tenant', client.tenant.slug)).toMatchObject({ status: 0 })
    expect((await client.login(second, BCRYPT_PASSWORD)).status).toBe(200)
    await runImport(file, '--tenant', client.tenant.slug)
    expect(readFileSync(rejected, 'utf8'), 'what was corrected is not written over').toBe(person(second))
    expect(readdirSync(folder)).toContain(path.basename(file).replace('.ndjson', '.rejected-2.ndjson'))
  })

  test('files 6: --check says the same of every line, and imports and writes nothing', async () => {
    const client = await newClient(service())
    const emails = newEmails(2)
    const file = writeLines([...emails.map(person), person(emails[0] ?? ''), '{"email":"x"}'])
    const ran = await runImport(file, '--tenant', client.tenant.slug, '--check')
    expect(reportsOf(ran).map(({ status }) => status)).toEqual([
      'accepted',
      'accepted',
      'duplicate',
      'refused',
    ])
    expect(ran.status).toBe(1)
    expect(await countAccounts(service(), client, emails)).toBe(0)
    expect(readdirSync(folder)).not.toContain(path.basename(rejectedOf(file)))
  })

  test('that was killed in the middle is run again, and no one is missing or there twice', async () => {
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
