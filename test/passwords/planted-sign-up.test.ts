/** Nearly every test begins with an account that no one signed up: it must be what the service makes of a sign-up. */
import { expect, test } from 'vitest'
import { type Account, type Client, newClient, PASSWORD } from '../support/client.ts'
import { claimsOf, headerOf } from '../support/forge.ts'
import { type TenantOptions, useLentService } from '../support/service.ts'

const service = useLentService()

const TENANTS: [what: string, options: TenantOptions][] = [
  ['as usual', {}],
  [
    'with claims, roles and lives of its own',
    {
      settings: {
        audience: 'https://api.example.com',
        access_token_seconds: 120,
        session_idle_seconds: 7200,
        session_absolute_seconds: 86_400,
        roles: { member: ['orders:read'] },
        token_claims: { plan: 'public.plan', external: 'external_id' },
      },
    },
  ],
]

test.each(TENANTS)(
  'a planted sign-up leaves every row that one over HTTP does, in a tenant %s',
  async (_, options) => {
    const { planted, signedUp } = await bothIn(options)
    expect(planted.rows).toEqual(signedUp.rows)
    expect(Object.keys(planted.rows)).toEqual(
      expect.arrayContaining(['events', 'passwords', 'sessions', 'users']),
    )
  },
)

test.each(TENANTS)('and answers what it answers, in a tenant %s', async (_, options) => {
  const { planted, signedUp } = await bothIn(options)
  expect(planted.tokens).toEqual(signedUp.tokens)
  expect(planted.claims).toEqual(signedUp.claims)
})

test('either is the first to use the newest key of the ring', async () => {
  for (const how of ['newAccount', 'signUp'] as const) {
    await service().sql('truncate auth_keys')
    await (await newClient(service()))[how]()
    const keys = await service().sql('select key_id, in_use_since is not null as in_use from auth_keys')
    expect(keys, how).toEqual([{ key_id: 'k1', in_use: true }])
  }
})

test('its tokens and its password are taken as those of any account, and nothing of it is made anew', async () => {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const { id } = tokens.user
  expect(await client.me(tokens.access_token)).toMatchObject({ status: 200, body: { id, email } })
  expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
  const hash = () => service().sql('select phc, key_id from passwords where user_id = $1', [id])
  const before = await hash()
  expect((await client.login(email, PASSWORD)).status).toBe(200)
  expect((await client.login(email, `${PASSWORD}.`)).status).toBe(401)
  expect(await hash(), 'as dear as the service wants it').toEqual(before)
})

test.each(['verify-first', 'second factor'])(
  'where a sign-up begins no session (%s), none is planted',
  async (mode) => {
    const settings = mode === 'verify-first' ? { registration: mode } : { second_factor: 'required' }
    const client = await newClient(service(), { settings })
    await expect(client.newAccount()).rejects.toThrow(/^registration answered 20[02]/)
  },
)

/** A planted account and one over HTTP, each alone in such a tenant. */
async function bothIn(options: TenantOptions) {
  const [planting, signingUp] = [await newClient(service(), options), await newClient(service(), options)]
  return {
    planted: await comparably(planting, await planting.newAccount()),
    signedUp: await comparably(signingUp, await signingUp.signUp()),
  }
}

async function comparably({ tenant }: Client, { tokens }: Account) {
  const { access_token: token } = tokens
  return {
    rows: formOf(await rowsOf(tenant.id), tenant) as Record<string, unknown>, // as it was, a member for each table
    tokens: formOf(tokens, tenant),
    claims: formOf({ header: headerOf(token), claims: claimsOf(token) }, tenant),
  }
}

const TABLES = `select table_name as name from information_schema.columns
  where table_schema = 'public' and column_name = 'tenant_id' and table_name not in ('tenants', 'tenant_hosts')`

/** Every row of the tenant, table by table. */
async function rowsOf(tenantId: string): Promise<Record<string, unknown>> {
  const { sql } = service()
  const found: Record<string, unknown> = {}
  for (const { name } of await sql<{ name: string }>(TABLES)) {
    const rows = await sql(`select * from ${name} where tenant_id = $1`, [tenantId])
    if (rows.length > 0) found[name] = rows.toSorted((a, b) => (String(a.type) < String(b.type) ? -1 : 1))
  }
  return found
}

/** A number of its own for each, or one that is up to chance. */
const CHANCE = ['status_index', 'idx', 'exp', 'expires_in']

/** What two of one kind have in common: the form of ids, tokens and hashes, and times by how many minutes away they are. */
function formOf(value: unknown, tenant: { id: string; slug: string }, key = ''): unknown {
  if (CHANCE.includes(key)) return typeof value
  if (value instanceof Date) return minutesAway(value.getTime())
  if (Buffer.isBuffer(value)) return `${value.length} bytes`
  if (typeof value === 'number') return value > 1e9 ? minutesAway(value * 1000) : value
  if (typeof value === 'string') return formOfText(value, tenant)
  if (Array.isArray(value)) return value.map((one) => formOf(one, tenant))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, formOf(one, tenant, name)]))
}

function formOfText(text: string, tenant: { id: string; slug: string }): string {
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text)) return minutesAway(Date.parse(text))
  return text
    .replaceAll(tenant.id, 'the tenant')
    .replaceAll(tenant.slug, 'the tenant')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f]{4}-([47])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUIDv$1')
    .replaceAll(/\d+\.\d+\.\d+\.0\/24/g, 'an IPv4 network')
    .replaceAll(/[A-Za-z0-9+/_-]{22,}/g, ({ length }) => `${length} characters`)
}

const minutesAway = (time: number) => `${Math.round((time - Date.now()) / 60_000)} min`
