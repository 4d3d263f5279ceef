/** Every page and form of the console × everyone who may not have it, and then those who may. */
import { beforeAll, describe, expect, test } from 'vitest'
import { PERMISSIONS, type Permission } from '../../src/permissions.ts'
import { EVERY_OPERATION, type OperationUnderTest } from '../operations.ts'
import { type Answer, type Client, newClient, type Tokens } from '../support/client.ts'
import { useService } from '../support/service.ts'

const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const CONSOLE = EVERY_OPERATION.filter(({ path }) => path.startsWith('/console'))
const each = CONSOLE.map((operation) => [operation.name, operation] as const)
const shown = each.filter(([, { method }]) => method === 'GET')

/** What a page demands: the permissions of what it shows and of what its form does. */
const DEMANDED: [page: RegExp, permissions: Permission[]][] = [
  [/^\/console$|^\/console\/audit/, ['latchkey:audit:read']],
  [/^\/console\/webhooks(\/:id)?$/, ['latchkey:webhooks:read']],
  [/^\/console\/webhooks\/:id\/[a-z-]+$/, ['latchkey:webhooks:read', 'latchkey:webhooks:write']],
  [/^\/console\/providers$/, ['latchkey:providers:read']],
  [/^\/console\/providers\/:id\/[a-z]+$/, ['latchkey:providers:read', 'latchkey:providers:write']],
  [/^\/console\/(roles|settings)$/, ['latchkey:tenant:read']],
  [/^\/console\/users(\/:id)?$/, ['latchkey:users:read']],
  [/^\/console\/users\/:id\/roles$/, ['latchkey:users:read', 'latchkey:roles:write']],
  [/^\/console\/users\/:id\/[a-z-]+$/, ['latchkey:users:read', 'latchkey:users:write']],
]

/** What a role that is declared may not do, whatever its permissions are. */
const isForAdmin = ({ path }: OperationUnderTest) => /^\/console\/(keys|logo|settings\/)/.test(path)
const demandedBy = ({ path }: OperationUnderTest) =>
  DEMANDED.find(([page]) => page.test(path))?.[1] ?? (Object.keys(PERMISSIONS) as Permission[])

let client: Client
let elsewhere: Client

beforeAll(async () => {
  client = await newClient(service())
  elsewhere = await newClient(service())
})

async function newPerson(of: { permissions?: readonly string[]; set?: string; to?: Client } = {}) {
  const there = of.to ?? client
  const { tokens } = await there.newAdmin()
  const { permissions = null, set } = of
  if (permissions) {
    const role = `role-${tokens.user.id}`
    await service().sql(
      `update tenants set settings = jsonb_set(settings, '{roles}',
         coalesce(settings -> 'roles', '{}') || jsonb_build_object($2::text, $3::jsonb)) where id = $1`,
      [there.tenant.id, role, JSON.stringify(permissions)],
    )
    await service().sql('update users set roles = array[$2::text] where id = $1', [tokens.user.id, role])
  }
  if (set) await service().sql(`update sessions set ${set} where id = $1`, [tokens.session.id])
  return tokens
}

/** What is said; a form that was refused leads back to its own address. */
const said = ({ body }: Answer<unknown>) => String(body).replace(/href="\/console[^"]*"/, 'href="…"')

const ask = async (operation: OperationUnderTest, tokens: Tokens) =>
  (await operation.prepare(client, tokens))()

describe.each(each)('%s', (_, operation) => {
  test('console 1: who is not signed in here signs in first, also who is elsewhere', async () => {
    const strangers = [
      await newPerson({ to: elsewhere }),
      await newPerson({ set: 'revoked_at = now()' }),
      await newPerson({ set: `expires_at = now() - interval '1 second'` }),
    ]
    for (const tokens of strangers) {
      const { status, headers } = await ask(operation, tokens)
      const [to] = (headers.get('location') ?? '').split('?')
      expect({ status, to }).toEqual({ status: 303, to: '/sign-in' })
    }
  })

  test('console 1: who lacks the permission gets the one answer of all pages that they may not see, and nothing is done', async () => {
    const demanded = demandedBy(operation)
    const others = Object.keys(PERMISSIONS).filter(
      (permission) => !demanded.includes(permission as Permission),
    )
    const isEntrance = operation.path === '/console' // which leads to what they may see
    const without = [
      await newPerson({ permissions: [] }),
      await newPerson({ permissions: isEntrance ? [] : others }),
      await newPerson({ permissions: [], set: `auth_time = now() - interval '1 hour'` }),
    ]
    if (isForAdmin(operation)) without.push(await newPerson({ permissions: Object.keys(PERMISSIONS) }))
    for (const missing of demanded)
      if (demanded.length > 1 && !isForAdmin(operation))
        without.push(
          await newPerson({ permissions: [...others, ...demanded.filter((one) => one !== missing)] }),
        )
    const elsewhere = CONSOLE.find(
      ({ method, path }) => method === operation.method && path.includes('/users/'),
    )
    const nowhere = await ask(elsewhere ?? operation, without[0] as Tokens) // the first of three
    for (const tokens of without) {
      const call = await operation.prepare(client, tokens)
      const changed = async () => service().sql(`select type from events where actor = $1`, [tokens.user.id])
      const before = await changed()
      const answer = await call()
      expect({ status: answer.status, said: said(answer) }).toEqual({ status: 403, said: said(nowhere) })
      expect(await changed()).toEqual(before)
    }
  })

  test('console 1: who has the permission, and who administers, has it', async () => {
    const others = isForAdmin(operation) ? [] : [await newPerson({ permissions: demandedBy(operation) })]
    for (const tokens of [await newPerson(), ...others]) {
      if (operation.path.endsWith('/roles') && operation.method === 'POST')
        await service().sql(`update users set roles = '{admin}' where id = $1`, [tokens.user.id]) // no one gives what they lack
      const { status } = await ask(operation, tokens)
      const isDownload = operation.path === '/console/audit/export'
      expect(status).toBe(operation.method === 'GET' || isDownload ? 200 : 303)
    }
  })
})

test('console 1: a page of an account that is not there, or of another tenant, says no more than that', async () => {
  const tokens = await newPerson()
  const { headers } = await client.pageForm(tokens)
  const foreign = await elsewhere.plantedAccount()
  const see = (id: string, path = '') => client.call<string>(`/console/users/${id}${path}`, { headers })
  const bodies = new Set<string>()
  for (const id of [foreign.id, '01922c3e-7a51-7c4e-9f0a-3b6d5c8e2f10', 'x', '%00', '..%2f..'])
    for (const path of ['', '/disable']) {
      const { status, body } = await see(id, path)
      expect({ id, path, status }).toEqual({ id, path, status: 404 })
      bodies.add(body)
    }
  expect(bodies.size).toBe(1)
})

test.each(shown)(
  'console 1: %s asks for a recent authentication where its operation does, and leads back',
  async (_, operation) => {
    const tokens = await newPerson({ set: `auth_time = now() - interval '1 hour'` })
    const { status, headers } = await ask(operation, tokens)
    const steps = !/^\/console\/(webhooks|keys|providers$)/.test(operation.path)
    expect(status).toBe(steps ? 303 : 200)
    if (!steps) return
    const to = new URL(headers.get('location') ?? '', 'https://here.test')
    expect(to.pathname).toBe('/step-up')
    expect(to.searchParams.get('return_to')).toMatch(/^\/console/)
  },
)
