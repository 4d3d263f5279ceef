/** `npm run doctor`: says what is wrong with a deployment and what to do, and never prints a secret. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createOperatorContext } from '../../ops/context.ts'
import type { Finding, Report } from '../../ops/doctor/finding.ts'
import { diagnose } from '../../ops/doctor.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { SECRETS, type Secret } from '../../src/settings.ts'
import { newEmail } from '../support/client.ts'
import { runCommand } from '../support/keys-command.ts'
import { runInProcess } from '../support/operator-command.ts'
import { useService } from '../support/service.ts'

const service = useService()

/** The Workers as a tenant's host reaches them: this server is in the place of DNS and routes. */
const front = createServer(async (request, response) => {
  const answer = await service().fetch(`http://${request.headers.host}${request.url}`)
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
  response.end(await answer.text())
})
let host = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(front.address() as AddressInfo).port}`
})
afterAll(() => front.close())

const sql = (text: string, values: unknown[] = []) => service().sql(text, values)

/** @param bindings in place of the deployment's; undefined takes one away */
async function look(bindings: Partial<Record<Secret, string | undefined>> = {}) {
  const env = Object.fromEntries(
    Object.entries({ ...service().bindings, ...bindings }).filter(([, value]) => value !== undefined),
  )
  const given = SECRETS.filter((name) => env[name])
  const ctx = createOperatorContext(env, given)
  const ran = await runInProcess(
    async (_, __, out) => {
      if (await diagnose(ctx, (name) => given.includes(name), { json: true, out })) throw new Error('wrong')
    },
    service().operator,
    [],
  )
  const reports: Report[] = JSON.parse(ran.stdout)
  const of = (part: string): Finding[] => reports.find((report) => report.part === part)?.findings ?? []
  return { ...ran, of, levels: (part: string) => of(part).map(({ level }) => level) }
}

describe('a deployment that is well', () => {
  test('has nothing wrong and no warning, and everything was looked at', async () => {
    const { id } = await service().newTenant({ host })
    await sql('update tenants set issuer = $2 where id = $1', [id, `http://${host}`])
    await sql(`delete from tenant_hosts where tenant_id <> $1`, [id])
    await sql(
      `insert into users (id, tenant_id, email, email_verified_at, roles) values (gen_random_uuid(), $1, $2, now(), '{admin}')`,
      [id, newEmail()],
    )
    const { status, stdout, stderr } = await look()
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '0 wrong, 0 warnings, 0 skipped\n' })
  })

  test('answers at a name below .localhost, which the resolver of this machine need not know', async () => {
    const local = host.replace('127.0.0.1', 'acme.localhost')
    await sql('insert into tenant_hosts (host, tenant_id) select $1, id from tenants where issuer = $2', [
      local,
      `http://${host}`,
    ])
    const { of } = await look()
    await sql('delete from tenant_hosts where host = $1', [local])
    expect(of('tenants')).toContainEqual(
      expect.objectContaining({ level: 'ok', says: expect.stringContaining(`${local} answers`) }),
    )
  })

  test('by the command line, in sentences; what was not given is skipped and named', async () => {
    const { status, stdout, stderr } = await runCommand(service(), 'doctor', [])
    expect(status).toBe(0)
    expect(stderr).toMatch(/^0 wrong, 0 warnings, 3 skipped/)
    expect(stdout).toMatch(/^ok {6}schema: it is that of this release$/m)
    expect(stdout).toMatch(/^skipped AUTH_KEYS: give the command AUTH_KEYS to check it$/m)
  })

  test('no secret is printed, whether it is well or not', async () => {
    const { stdout } = await look({ SIGNING_SEAL_KEYS: newKeyringEntry('s9') })
    for (const secret of ['AUTH_KEYS', 'SIGNING_SEAL_KEYS', 'DATABASE_URL', 'UPSTASH_REDIS_REST_TOKEN'])
      expect(stdout).not.toContain((service().bindings[secret] ?? '').split(':').at(-1))
  })
})

describe('what is wrong', () => {
  test('a database that cannot be reached: nothing about it is called well', async () => {
    const { status, of } = await look({ DATABASE_URL: 'postgresql://owner:hunter2@127.0.0.1:1/latchkey' })
    expect(status).toBe(1)
    expect(of('Neon')).toMatchObject([{ level: 'wrong', says: expect.not.stringContaining('hunter2') }])
  })

  test('a migration that was not applied', async () => {
    const [last] = await sql(
      'delete from schema_migrations where name = (select max(name) from schema_migrations) returning *',
    )
    const { of } = await look()
    await sql('insert into schema_migrations (name, sha256) values ($1, $2)', [last?.name, last?.sha256])
    expect(of('schema')).toMatchObject([{ level: 'wrong', do: 'run npm run migrate' }])
  })

  test('a signing key that does not open, and one that should have been replaced', async () => {
    const other = await look({ SIGNING_SEAL_KEYS: newKeyringEntry('s9') })
    expect(other.of('signing key')).toMatchObject([
      { level: 'wrong', says: expect.stringContaining('does not open') },
    ])
    await sql(`update signing_keys set created_at = created_at - interval '200 days' where state = 'current'`)
    const old = await look()
    await sql(`update signing_keys set created_at = created_at + interval '200 days' where state = 'current'`)
    expect(old.levels('signing key')).toEqual(['ok', 'warning'])
  })

  test('a ring that lacks a key in use, and a Worker that answered without one', async () => {
    await sql(`insert into auth_keys (key_id, in_use_since) values ('k7', now())`)
    const { of } = await look()
    await sql(`delete from auth_keys where key_id = 'k7'`)
    expect(of('AUTH_KEYS')).toMatchObject([{ level: 'wrong', says: expect.stringContaining('k7') }])
  })

  test('events that no one takes, and those that were parked', async () => {
    const { id } = await service().newTenant()
    await sql(
      `insert into events (id, tenant_id, type, data, created_at, parked_at) values
       (gen_random_uuid(), $1, 'user.updated', '{}', now() - interval '10 minutes', null),
       (gen_random_uuid(), $1, 'user.updated', '{}', now() - interval '10 minutes', now())`,
      [id],
    )
    const { levels } = await look()
    await sql('delete from events where tenant_id = $1', [id])
    await sql('delete from tenant_hosts where tenant_id = $1', [id])
    expect(levels('events')).toEqual(['wrong', 'warning'])
  })

  test('a job that does not keep up', async () => {
    await sql(`insert into backlogs (kind, runs) values ('sessions', 3)`)
    const { of } = await look()
    await sql('delete from backlogs')
    expect(of('clean-up')).toMatchObject([
      { level: 'wrong', says: 'sessions was unfinished 3 times running' },
    ])
  })

  test.each([
    ['cannot be reached', '127.0.0.1:1', 'cannot be reached'],
    ['leads to another tenant', undefined, 'another tenant'],
  ])('a host that %s', async (_, given, says) => {
    const { id, slug } = await service().newTenant({ host: given ?? `localhost:${host.split(':')[1]}` })
    await sql('update tenants set issuer = $2 where id = $1', [id, `http://${slug}.example.com`])
    if (given === undefined) await sql('update tenant_hosts set tenant_id = $1 where host = $2', [id, host])
    const { of } = await look()
    await sql('delete from tenant_hosts where tenant_id = $1', [id])
    const found = of('tenants').filter((finding) => finding.says.startsWith(slug))
    expect(found).toContainEqual(
      expect.objectContaining({ level: 'wrong', says: expect.stringContaining(says) }),
    )
    expect(found).toContainEqual(
      expect.objectContaining({ level: 'warning', says: `${slug}: no one administers it` }),
    )
  })
})
