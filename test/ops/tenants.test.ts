/** `npm run tenants`: a tenant is made, changed and found by commands that refuse what the service could not use. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { tenantsCommand } from '../../ops/tenants.ts'
import { newClient } from '../support/client.ts'
import { runCommand, tablesOf } from '../support/keys-command.ts'
import { runInProcess } from '../support/operator-command.ts'
import { dataUrlOf, png } from '../support/planted-logo.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

let made = 0
/** Names of a tenant that no other test has. */
const newNames = () => {
  made += 1
  const slug = `acme-${process.pid}-${made}`
  return { slug, issuer: `https://${slug}.example.com`, host: `${slug}.example.com` }
}

const tenants = (...words: string[]) => runInProcess(tenantsCommand, service().operator, words)

async function newTenant(...words: string[]) {
  const names = newNames()
  const { status, stderr } = await tenants('add', names.slug, '--issuer', names.issuer, ...words)
  if (status !== 0) throw new Error(stderr)
  return names
}

async function storedOf(slug: string) {
  const { stdout } = await tenants('show', slug, '--json')
  const { settings, ...rest } = JSON.parse(stdout)
  const values = settings.map(({ setting, value }: { setting: string; value: string }) => [setting, value])
  return { ...rest, settings: Object.fromEntries(values) }
}

describe('add', () => {
  test('makes a tenant that answers at the host of its issuer, and says what comes next', async () => {
    const { slug, issuer, host } = newNames()
    const words = ['--name', 'Acme & Sons', '--origin', 'https://app.example.com', 'max_sessions=20']
    const { status, stdout, stderr } = await tenants('add', slug, '--issuer', issuer, ...words)
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(stderr).toContain(`npm run admins -- add <address> --tenant ${slug}`)
    expect(await storedOf(slug)).toMatchObject({
      ...{ slug, issuer, name: 'Acme & Sons', hosts: [host], allowedOrigins: ['https://app.example.com'] },
      settings: { max_sessions: '20', second_factor: 'optional' },
    })
  })

  test('refuses what another tenant has, names it, and makes nothing', async () => {
    const { slug, issuer, host } = await newTenant()
    const other = newNames()
    for (const [words, taken] of [
      [[slug, '--issuer', other.issuer], `slug ${slug}`],
      [[other.slug, '--issuer', issuer], `issuer ${issuer} and host ${host}`],
      [[other.slug, '--issuer', other.issuer, '--host', host], `host ${host}`],
    ] as const) {
      const { status, stderr } = await tenants('add', ...words)
      expect({ status, stderr }).toEqual({
        status: 1,
        stderr: `nothing was created: another tenant has ${taken}\n`,
      })
    }
    expect((await tenants('show', other.slug)).status).toBe(1)
  })

  test.each([
    ['no issuer', []],
    ['an issuer with a path', ['--issuer', 'https://auth.example.com/']],
    ['an issuer without TLS', ['--issuer', 'http://auth.example.com']],
    ['a host in upper case', ['--issuer', 'https://auth.example.com', '--host', 'Auth.example.com']],
    ['a host with a path', ['--issuer', 'https://auth.example.com', '--host', 'auth.example.com/x']],
    [
      'an origin with a path',
      ['--issuer', 'https://auth.example.com', '--origin', 'https://app.example.com/'],
    ],
    ['the origin null', ['--issuer', 'https://auth.example.com', '--origin', 'null']],
    ['a name with a line break', ['--issuer', 'https://auth.example.com', '--name', 'Acme\nBcc: x']],
    ['a setting that there is not', ['--issuer', 'https://auth.example.com', 'max_session=3']],
    ['a setting out of its bounds', ['--issuer', 'https://auth.example.com', 'max_sessions=0']],
    ['passkeys of a foreign domain', ['--issuer', 'https://auth.example.com', 'passkey_rp_id=example.org']],
    [
      'sessions that end before they are idle',
      ['--issuer', 'https://auth.example.com', 'session_absolute_seconds=600'],
    ],
  ])('refuses %s in one line', async (_, words) => {
    const { slug } = newNames()
    const { status, stderr } = await tenants('add', slug, ...words)
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect((await tenants('show', slug)).status).toBe(1)
  })
})

describe('set', () => {
  test('changes a setting, and an empty value is the default again', async () => {
    const { slug } = await newTenant()
    expect(
      (await tenants('set', slug, 'second_factor=required', 'second_factor_roles=admin,editor')).status,
    ).toBe(0)
    expect((await storedOf(slug)).settings).toMatchObject({
      second_factor: 'required',
      second_factor_roles: 'admin,editor',
    })
    expect((await tenants('set', slug, 'second_factor=')).status).toBe(0)
    expect((await storedOf(slug)).settings.second_factor).toBe('optional')
  })

  test('says what a setting may be', async () => {
    const { slug } = await newTenant()
    expect((await tenants('set', slug, 'max_sessions=many')).stderr).toBe(
      'max_sessions must be a whole number from 1 to 500\n',
    )
    expect((await tenants('set', slug, 'registration=open')).stderr).toBe(
      'registration must be one of verify-first, sign-in-at-once\n',
    )
  })

  test('holds for the next request', async () => {
    const client = await newClient(service(), { settings: { registration: 'sign-in-at-once' } })
    await tenants('set', client.tenant.slug, 'access_token_seconds=60')
    const { body } = await client.register()
    expect(body).toHaveProperty('expires_in')
    expect(Number(body.expires_in)).toBeLessThanOrEqual(60)
  })

  test('asks before every token or every passkey is lost', async () => {
    const { slug } = await newTenant('--host', `other-${newNames().host}`)
    const { hosts } = await storedOf(slug)
    const issuer = `https://${hosts.find((host: string) => host.startsWith('other-'))}`
    const refused = await tenants('set', slug, '--issuer', issuer)
    expect(refused).toMatchObject({ status: 1 })
    expect(refused.stderr).toContain('makes every access token invalid')
    expect((await storedOf(slug)).issuer).not.toBe(issuer)
    expect((await tenants('set', slug, '--issuer', issuer, '--yes')).status).toBe(0)
    expect((await storedOf(slug)).issuer).toBe(issuer)
    const domain = await tenants('set', slug, 'passkey_rp_id=example.com')
    expect(domain.stderr).toContain('makes every passkey of this tenant unusable')
  })

  test('of two at the same time, neither undoes the other', async () => {
    const { slug } = await newTenant()
    const words = ['max_sessions=7', 'erasure_days=9', 'password_min_length=12', 'unproved_account_days=3']
    const ran = await Promise.all(words.map((word) => tenants('set', slug, word)))
    const { settings } = await storedOf(slug)
    for (const [index, { status, stderr }] of ran.entries()) {
      const [name = '', value] = words[index]?.split('=') ?? []
      if (status === 0) expect(settings[name]).toBe(value)
      else expect(stderr).toContain('was changed by another command at the same time')
    }
    expect(ran.some(({ status }) => status === 0)).toBe(true)
  })
})

describe('K12: a role that is declared again', () => {
  const SUPPORT = 'roles={"support":["orders:refund"]}'

  test('is given to no one who had it before, unless the operator says so', async () => {
    const client = await newClient(service())
    const { slug } = client.tenant
    const { tokens } = await client.newAccount()
    await client.plantedAccount({ roles: ['supporter'] })
    expect((await tenants('set', slug, SUPPORT)).status, 'no one has it yet').toBe(0)
    await service().sql(`update users set roles = '{support}' where id = $1`, [tokens.user.id])
    expect((await tenants('set', slug, 'roles=')).status).toBe(0)
    expect(await tenants('set', slug, SUPPORT)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('1 accounts or open invitations have the role support already'),
    })
    expect((await storedOf(slug)).settings.roles).toBe('{}')
    expect((await tenants('set', slug, 'roles={"support":[]}')).status, 'it allows nothing').toBe(0)
    expect((await tenants('set', slug, 'roles=')).status).toBe(0)
    expect((await tenants('set', slug, SUPPORT, '--yes')).status).toBe(0)
    expect((await tenants('set', slug, 'roles={"support":["orders:read"]}')).status, 'another meaning').toBe(
      0,
    )
  })

  test('nor by an invitation of before, nor because another tenant has it', async () => {
    const client = await newClient(service())
    const other = await newClient(service())
    const { tokens } = await client.newAccount()
    const { id } = await client.plant('invitation', tokens)
    await other.plantedAccount({ roles: ['support'] })
    const { slug } = client.tenant
    expect((await tenants('set', slug, SUPPORT)).status).toBe(0)
    await tenants('set', slug, 'roles=')
    await service().sql(`update one_time_tokens set grants = '{support}' where id = $1`, [id])
    expect((await tenants('set', slug, SUPPORT)).status).toBe(1)
    await service().sql(`update one_time_tokens set expires_at = now() where id = $1`, [id])
    expect((await tenants('set', slug, SUPPORT)).status).toBe(0)
  })
})

describe('the logo', () => {
  const logoOf = async (slug: string) =>
    await service().sql(`select logo, settings ->> 'logo' as version from tenants where slug = $1`, [slug])

  test('pages 23: is set from a file, stays when something else is changed, and is taken away', async () => {
    const { slug } = await newTenant()
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'logo-')), 'logo.PNG')
    writeFileSync(file, png())
    expect(await tenants('set', slug, '--logo', file)).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(`${slug}: logo changed`),
    })
    const stored = [{ logo: dataUrlOf(png()), version: expect.stringMatching(/^[\w-]{43}$/) }]
    expect(await logoOf(slug)).toEqual(stored)
    await tenants('set', slug, 'max_sessions=20')
    expect(await logoOf(slug)).toEqual(stored)
    expect((await tenants('set', slug, '--logo', '')).status).toBe(0)
    expect(await logoOf(slug)).toEqual([{ logo: null, version: null }])
  })

  test('pages 23: what is no picture, or only the version of one, is refused', async () => {
    const { slug } = await newTenant()
    const folder = mkdtempSync(path.join(tmpdir(), 'logo-'))
    for (const name of ['logo.svg', 'logo.png', 'logo']) {
      writeFileSync(path.join(folder, name), '<svg onload="alert(1)"/>')
      const { status, stderr } = await tenants('set', slug, '--logo', path.join(folder, name))
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('is no logo') })
    }
    const { status, stderr } = await tenants('set', slug, `logo=${'A'.repeat(43)}`)
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('--logo <file>') })
    expect(await logoOf(slug)).toEqual([{ logo: null, version: null }])
  })
})

describe('hosts and origins', () => {
  test('a tenant answers at a host that was added, and no more at one that was removed', async () => {
    const { slug } = await newTenant()
    const { host } = newNames()
    expect((await tenants('hosts', slug, 'add', host)).status).toBe(0)
    expect((await storedOf(slug)).hosts).toContain(host)
    expect((await tenants('hosts', slug, 'add', host)).status).toBe(0) // again, with the same result
    expect((await tenants('hosts', slug, 'remove', host)).status).toBe(0)
    expect((await storedOf(slug)).hosts).not.toContain(host)
    expect((await tenants('hosts', slug, 'remove', host)).status).toBe(1)
  })

  test('the host of the issuer stays, and that of another tenant is not taken', async () => {
    const { slug, host } = await newTenant()
    const other = await newTenant()
    expect((await tenants('hosts', slug, 'remove', host)).stderr).toContain('is the host of the issuer')
    expect((await tenants('hosts', slug, 'add', other.host)).stderr).toBe(
      `${other.host} belongs to another tenant\n`,
    )
    expect((await storedOf(other.slug)).hosts).toEqual([other.host])
  })

  test('an origin may call once it is added', async () => {
    const client = await newClient(service())
    const origin = 'https://app.example.com'
    await tenants('origins', client.tenant.slug, 'add', origin)
    expect((await storedOf(client.tenant.slug)).allowedOrigins).toContain(origin)
    await tenants('origins', client.tenant.slug, 'remove', origin)
    expect((await storedOf(client.tenant.slug)).allowedOrigins).not.toContain(origin)
  })
})

describe('list and show', () => {
  test('the command line does the same, and ends with 1 when it refuses', async () => {
    const { slug } = await newTenant()
    const { status, stdout } = await runCommand(service(), 'tenants', ['show', slug, '--json'])
    expect({ status, slug: JSON.parse(stdout).slug }).toEqual({ status: 0, slug })
    expect((await runCommand(service(), 'tenants', ['show', `${slug}-`])).status).toBe(1)
  })

  test('a person reads tables', async () => {
    const { slug, issuer } = await newTenant('max_sessions=20')
    const rows = tablesOf((await tenants()).stdout)
    expect(rows.find((row) => row.slug === slug)).toMatchObject({ issuer })
    const settings = tablesOf((await tenants('show', slug)).stdout)
    expect(settings.find((row) => row.setting === 'max_sessions')).toMatchObject({ value: '20', is: 'set' })
    expect(settings.find((row) => row.setting === 'locale')).toMatchObject({ value: '', is: 'default' })
  })

  test('a slug that there is not is told with those that there are', async () => {
    const { slug } = await newTenant()
    const { status, stderr } = await tenants('show', 'nobody')
    expect({ status, stderr }).toMatchObject({ status: 1, stderr: expect.stringContaining(slug) })
  })
})

describe('delete, restore and erase', () => {
  /** Every row that names the tenant, table by table, but for the tenant's own. */
  async function rowsOfTenant(id: string): Promise<Record<string, number>> {
    const tables = await service().sql<{ name: string }>(
      `select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id'
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    )
    const counts: [string, number][] = []
    for (const { name } of tables) {
      const [row] = await service().sql<{ count: number }>(
        `select count(*)::int as count from "${name}" where tenant_id = $1`,
        [id],
      )
      if (row && row.count > 0) counts.push([name, row.count])
    }
    return Object.fromEntries(counts)
  }

  test('admin 5: a tenant that is deleted answers nowhere, keeps its data, and is had back with its accounts', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const { slug, host } = client.tenant
    expect(await tenants('delete', slug)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('--yes'),
    })
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect((await tenants('delete', slug, '--yes')).stderr).toContain(`restore ${slug} ${host}`)
    expect((await client.me(tokens.access_token)).status).toBe(421)
    expect((await client.login(email)).status).toBe(421)
    expect((await tenants('delete', slug, '--yes')).status).toBe(1)
    expect((await tenants('restore', slug, host)).status).toBe(0)
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })

  test('admin 5: it is erased after 30 days, every row of it and none of another tenant', async () => {
    const [client, other] = [await newClient(service()), await newClient(service())]
    for (const one of [client, other]) {
      const { tokens } = await one.newAdmin()
      await one.plantedPasskey(tokens)
      await one.withFactor(tokens)
      await one.plant('reset_password', tokens)
      await one.plantedSocial.identity(tokens)
      await one.plantedSocial.provider()
    }
    await service().consume()
    const { slug, id } = client.tenant
    const kept = await rowsOfTenant(other.tenant.id)
    expect((await tenants('erase', slug, '--yes')).stderr).toContain('is open')
    await tenants('delete', slug, '--yes')
    expect((await tenants('erase', slug, '--yes')).stderr).toContain('--now')
    expect(Object.keys(await rowsOfTenant(id)).length).toBeGreaterThan(8)
    await service().sql(`update tenants set closed_at = now() - interval '31 days' where id = $1`, [id])
    expect(await tenants('erase', slug)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('--yes'),
    })
    expect((await tenants('erase', slug, '--yes')).status).toBe(0)
    expect(await rowsOfTenant(id)).toEqual({})
    expect(await service().sql('select 1 from tenants where id = $1', [id])).toEqual([])
    expect(await rowsOfTenant(other.tenant.id)).toEqual(kept)
  })

  test('K12: a tenant of the same slug and host that is made later has nothing of it', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    const { slug, host, origin } = client.tenant
    await tenants('delete', slug, '--yes')
    await tenants('erase', slug, '--yes', '--now')
    await service().sql(
      `with tenant as (insert into tenants (id, slug, name, issuer, settings)
         values (gen_random_uuid(), $1, 'Another', $2, '{"registration":"sign-in-at-once"}') returning id)
       insert into tenant_hosts (host, tenant_id) select $3, id from tenant`,
      [slug, origin, host],
    )
    expect((await client.login(email)).status).toBe(401)
    expect((await client.register(email)).status).toBe(201)
  })
})
