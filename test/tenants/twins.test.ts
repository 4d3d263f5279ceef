/**
 * Two tenants that are alike in everything that people choose: addresses, passwords, external ids, roles, providers, names. What happens in one
 * changes no row of the other and shows nothing of it, whichever operation it is, and an id of the other is as good as none.
 */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { EVERY_OPERATION, type OperationUnderTest } from '../operations.ts'
import { type Client, makeAdmin, newClient, newEmail, type Tokens } from '../support/client.ts'
import { WITHOUT_TENANT } from '../support/operations.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const OPERATIONS = EVERY_OPERATION.filter(
  (operation) => !operation.isPage && !WITHOUT_TENANT.includes(operation),
)
const named = (operations: readonly OperationUnderTest[]) =>
  operations.map((operation) => [operation.name, operation] as const)

type Twin = { client: Client; tokens: Tokens }

/** An administrator of the address, whom another system knows by the same id, with a key and a provider of the same names. */
async function newTwin(email: string): Promise<Twin> {
  const client = await newClient(service())
  const { body: tokens } = await client.register(email)
  await makeAdmin(service(), client.tenant, tokens)
  await service().sql(`update users set external_id = 'the-one', roles = '{admin,editor}' where id = $1`, [
    tokens.user.id,
  ])
  await client.plantedApiKey(tokens)
  return { client, tokens }
}

async function newTwins(): Promise<{ here: Twin; there: Twin }> {
  const email = newEmail()
  return { here: await newTwin(email), there: await newTwin(email) }
}

/** A digest of the rows of the tenant, table by table: whichever table it is that names one. */
async function rowsOf({ client: { tenant } }: Twin): Promise<Record<string, string>> {
  const tables = await service().sql<{ name: string }>(
    `select relname as name from pg_class join pg_attribute on attrelid = pg_class.oid and attname = 'tenant_id'
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition order by relname`,
  )
  const each = tables.map(
    ({ name }) =>
      `select '${name}' as name, md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as rows from "${name}" as t where tenant_id = $1`,
  )
  const own = `select 'tenants', md5(t::text) from tenants as t where id = $1`
  const rows = await service().sql<{ name: string; rows: string }>([...each, own].join(' union all '), [
    tenant.id,
  ])
  return Object.fromEntries(rows.map(({ name, rows }) => [name, rows]))
}

/** What would tell of the tenant, wherever it was seen. */
async function marksOf({ client: { tenant }, tokens }: Twin): Promise<string[]> {
  const ids = await service().sql<{ id: string }>(
    `select id from users where tenant_id = $1 union all select id from sessions where tenant_id = $1
     union all select id from api_keys where tenant_id = $1 union all select id from webhook_endpoints where tenant_id = $1
     union all select id from events where tenant_id = $1`,
    [tenant.id],
  )
  return [tenant.id, tenant.host, tenant.name, tokens.session.id, ...ids.map(({ id }) => id)]
}

/** @param except what the caller has said themselves */
async function expectNoMark(answer: { body: unknown; headers: Headers }, there: Twin, except: string[] = []) {
  const said = JSON.stringify([answer.body, [...answer.headers]])
  const marks = (await marksOf(there)).filter((mark) => !except.includes(mark))
  expect(marks.filter((mark) => said.includes(mark))).toEqual([])
}

describe('done in one tenant, it changes no row of its twin and shows nothing of it', () => {
  test.each(named(OPERATIONS))('%s', async (_, operation) => {
    const { here, there } = await newTwins()
    const call = await operation.prepare(here.client, here.tokens)
    const before = await rowsOf(there)
    const answer = await call()
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(400)
    await expectNoMark(answer, there)
    expect(await rowsOf(there)).toEqual(before)
  })
})

/** Sent by a caller of `here`, to its host, with what was made in `there`: ids, tokens, codes, cookies. */
async function acrossTo(
  here: Twin,
  there: Twin,
  operation: OperationUnderTest,
  change = (path: string) => path,
) {
  const across = {
    ...there.client,
    call: ((path, options) => here.client.call(change(path), options)) as Client['call'],
  }
  const call = await operation.prepare(across, there.tokens)
  const isCalledByAccount = operation.caller === 'user' || operation.caller === 'admin'
  return () => (isCalledByAccount ? call(here.tokens.access_token) : call())
}

const isNamed = ({ path, purpose, needsFactor, isMade, caller }: OperationUnderTest) =>
  path.includes(':') || purpose !== null || needsFactor || isMade || caller === 'session'

describe('with what was made in its twin, it changes no row there and shows nothing of it', () => {
  test.each(named(OPERATIONS.filter(isNamed)))('%s', async (_, operation) => {
    const { here, there } = await newTwins()
    const call = await acrossTo(here, there, operation)
    const before = await rowsOf(there)
    const answer = await call()
    await expectNoMark(answer, there)
    expect(await rowsOf(there)).toEqual(before)
  })
})

const ID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/

describe('K05: an id of its twin is answered as one that nothing has, after as many trips', () => {
  const byId = OPERATIONS.filter(
    ({ path, caller }) => path.includes('/:id') && (caller === 'user' || caller === 'admin'),
  )

  test.each(named(byId))('%s', async (_, operation) => {
    const { here, there } = await newTwins()
    const foreign = await (await acrossTo(here, there, operation))()
    const another = await newTwin(newEmail())
    const toNone = (path: string) => path.replace(ID, randomUUID())
    const none = await (await acrossTo(here, another, operation, toNone))()
    const told = ({ status, body, trips }: typeof foreign) => ({
      ...{ status, trips, body: { ...(body as object), request_id: '' } },
    })
    expect(foreign.status).toBeGreaterThanOrEqual(400)
    expect(told(foreign)).toEqual(told(none))
  })
})
