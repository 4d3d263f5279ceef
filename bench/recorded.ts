/** The statements that operations and jobs send, exactly as they arrive at Neon's endpoint: each of them is done once. */
import pg from 'pg'
import { SECRETS } from '../src/settings.ts'
import { type Call, createSender, type Send } from './client.ts'
import { newEmail } from './operations.ts'
import { startProxy } from './proxy.ts'
import { liveThrough, populate } from './recorded-accounts.ts'
import { performEvery } from './recorded-every.ts'
import type { Stack } from './stack.ts'
import { startWorkerd } from './workerd.ts'

export type Statement = { operation: string; query: string; params: unknown[] }

type Tokens = { access_token: string; refresh_token: string; session: { id: string } }

const PASSWORD = 'correct horse battery'

/** Without the edge cache, so that also the queries appear which it usually saves. */
export async function recordStatements(stack: Stack): Promise<Statement[]> {
  const statements: Statement[] = []
  let operation = ''
  const neon = await startProxy(stack.ports.neon, (_, body) => {
    const { queries = [JSON.parse(body)] } = JSON.parse(body) as { queries?: Omit<Statement, 'operation'>[] }
    // What has no plan: the DDL of a month (src/audit/months-store.ts), and the lock of the heads (src/audit/audit-store.ts).
    for (const { query, params } of queries)
      if (!/^\s*(do|lock)\b/i.test(query)) statements.push({ operation, query, params })
  })
  const bindings = {
    ...stack.bindingsFor({ ...stack.ports, neon: neon.port }),
    WEBHOOK_PRIVATE_TARGETS: 'allowed',
  }
  const services = [{ name: 'latchkey', bundle: stack.bundles.latchkey, bindings }]
  const workerd = await startWorkerd({ ...stack, services, edgeCache: false })
  const { expect, request, close } = createSender(workerd.ports.latchkey ?? 0)
  const perform = async (name: string, status: number, call: Call) => {
    operation = name
    const { body } = await expect(status, call)
    return body
  }
  try {
    await performAll(perform)
    const { databaseUrl } = stack
    await liveThrough(perform, { sql: (query, params = []) => ask(databaseUrl, query, params), bindings })
    await administer(stack, perform)
    await performEvery(reachedBy(stack, bindings, request), (name) => {
      operation = name
    })
    await runJobs(stack, bindings, (name) => {
      operation = name
    })
    return statements
  } finally {
    close()
    await workerd.stop()
    await neon.stop()
  }
}

/** The Worker and what is behind it, as the support of the tests reaches them. */
const reachedBy = (
  { databaseUrl, ports }: Stack,
  bindings: Record<string, string>,
  request: Send,
): Parameters<typeof performEvery>[0] => ({
  bindings,
  isHeard: true, // so that who signs up does so over HTTP, as what is recorded here does
  sql: (query, params = []) => ask(databaseUrl, query, params),
  redis: async (command) => {
    const init = { method: 'POST', headers: { authorization: 'Bearer local' }, body: JSON.stringify(command) }
    return (await fetch(`http://127.0.0.1:${ports.upstash}`, init)).json()
  },
  fetch: async (url, { method = 'GET', headers = {}, body } = {}) => {
    const { pathname, search } = new URL(url)
    const text = typeof body === 'string' ? { text: body } : {}
    const sent = { method, path: pathname + search, headers, ...text }
    const answer = await request(sent)
    const type = answer.body.startsWith('{') ? 'application/json' : 'text/html'
    const answered = new Headers({ 'content-type': type })
    if (answer.location !== undefined) answered.set('location', answer.location)
    for (const one of answer.cookies.split('; ')) if (one !== '') answered.append('set-cookie', one)
    return new Response(answer.body || null, { status: answer.status, headers: answered })
  },
})

export type Perform = (name: string, status: number, call: Call) => Promise<string>

async function performAll(perform: Perform): Promise<void> {
  const email = newEmail()
  const json = { email, password: PASSWORD }
  const tokens = (body: string): Tokens => JSON.parse(body)
  const login = async (name = 'login') => tokens(await perform(name, 200, { path: '/v1/login', json }))
  const refresh = (refresh_token: string): Call => ({ path: '/v1/refresh', json: { refresh_token } })

  const first = tokens(await perform('register', 201, { path: '/v1/register', json }))
  const idempotent = {
    path: '/v1/register',
    json: { ...json, email: newEmail() },
    idempotencyKey: newEmail(),
  }
  await perform('register, with a key', 201, idempotent)
  await perform('register, repeated', 201, idempotent)
  const second = await login()
  const third = await login()
  await perform('login, wrong password', 401, {
    path: '/v1/login',
    json: { ...json, password: 'wrong password' },
  })
  await perform('login, unknown account', 401, { path: '/v1/login', json: { ...json, email: newEmail() } })
  const refreshed = tokens(await perform('refresh', 200, refresh(first.refresh_token)))
  await perform('refresh, repeated', 200, refresh(first.refresh_token))
  const bearer = refreshed.access_token
  await perform('me', 200, { path: '/v1/me', bearer })
  await perform('update me', 200, { method: 'PATCH', path: '/v1/me', json: { name: 'Ada' }, bearer })
  const page = await perform('sessions', 200, { path: '/v1/sessions?limit=1', bearer })
  const { next_cursor: cursor }: { next_cursor: string } = JSON.parse(page)
  await perform('sessions, next page', 200, {
    path: `/v1/sessions?limit=1&cursor=${encodeURIComponent(cursor)}`,
    bearer,
  })
  await perform('revoke one', 204, { method: 'DELETE', path: `/v1/sessions/${second.session.id}`, bearer })
  await perform('revoke others', 204, { method: 'DELETE', path: '/v1/sessions?except=current', bearer })
  await perform('logout by refresh token', 204, {
    path: '/v1/logout',
    json: { refresh_token: third.refresh_token },
  })
  await perform('logout by access token', 204, { method: 'POST', path: '/v1/logout', bearer })
  const last = await login('login again')
  await perform('revoke all', 204, { method: 'DELETE', path: '/v1/sessions', bearer: last.access_token })
  await perform('jwks', 200, { path: '/.well-known/jwks.json' })
  await perform('openid-configuration', 200, { path: '/.well-known/openid-configuration' })
  await perform('readyz', 200, { path: '/readyz' })
}

/** No one listens there: what counts is what is asked of the database. */
const TARGET = 'http://127.0.0.1:9/hook'

async function administer({ databaseUrl }: Stack, perform: Perform): Promise<void> {
  const json = { email: newEmail(), password: PASSWORD }
  const { access_token: bearer }: Tokens = JSON.parse(
    await perform('register', 201, { path: '/v1/register', json }),
  )
  await ask(databaseUrl, `update users set roles = '{admin}' where email = $1`, [json.email])
  const created = await perform('create webhook', 201, {
    path: '/v1/webhooks',
    json: { url: TARGET, events: ['*'] },
    bearer,
    idempotencyKey: newEmail(),
  })
  const { id }: { id: string } = JSON.parse(created)
  const path = `/v1/webhooks/${id}`
  await perform('list webhooks', 200, { path: '/v1/webhooks', bearer })
  await perform('read webhook', 200, { path, bearer })
  await perform('update webhook', 200, { method: 'PATCH', path, json: { description: 'Ours' }, bearer })
  await perform('rotate secret', 200, { method: 'POST', path: `${path}/rotate-secret`, bearer })
  const tested = await perform('test webhook', 202, { method: 'POST', path: `${path}/test`, bearer })
  const { delivery_id: delivery }: { delivery_id: string } = JSON.parse(tested)
  await perform('list deliveries', 200, { path: `${path}/deliveries?state=pending`, bearer })
  const replay = { since: '2026-01-01T00:00:00Z' }
  await perform('replay all', 202, { path: `${path}/deliveries/replay`, json: replay, bearer })
  await perform('replay one', 202, { method: 'POST', path: `${path}/deliveries/${delivery}/replay`, bearer })
  await populate(perform, bearer)
  const filters = [
    ...['', 'type=session.*', 'type=session.started', `actor=${id}`, `subject=${id}`, `session=${id}`],
    ...['address=203.0.113.0/24', 'from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z'],
  ]
  for (const filter of filters)
    await perform('audit events', 200, { path: `/v1/admin/audit-events?${filter}`, bearer })
  for (const filter of [
    '',
    'email_prefix=a',
    'status=active',
    'status=disabled',
    'status=closed',
    'role=admin',
    'role=member',
    'email_prefix=a&role=editor',
  ])
    await perform(`accounts ${filter}`, 200, { path: `/v1/admin/users?limit=1&${filter}`, bearer })
  const first = await perform('accounts', 200, { path: '/v1/admin/users?limit=1', bearer })
  const { next_cursor: cursor }: { next_cursor: string | null } = JSON.parse(first)
  const next = `/v1/admin/users?limit=1&cursor=${encodeURIComponent(cursor ?? '')}`
  await perform('accounts, next page', 200, { path: next, bearer })
}

type Jobs = {
  queue(batch: { queue: string; messages: object[] }, bindings: Record<string, string>): Promise<void>
  scheduled(event: { cron: string }, bindings: Record<string, string>): Promise<void>
}

/** Not by a literal path: the types of Workers and those of Node cannot be in one project. */
const JOBS: string = '../src/jobs.ts'

/** A delivery that is too old, and endpoints that are disabled and deleted while something waits for them. */
const UNSETTLED = `
  with endpoint as (
    insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret, state, deleted_at)
    select gen_random_uuid(), tenant_id, url, '{}', sealed_secret, wanted.state, wanted.deleted_at
    from (select * from webhook_endpoints limit 1) as one, (values
      ('enabled', null::timestamptz), ('disabled', null), ('disabled', now())) as wanted(state, deleted_at)
    returning id, tenant_id)
  insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload, next_attempt_at, expires_at)
  select gen_random_uuid(), tenant_id, id, gen_random_uuid(), 'user.updated', '{}', 'infinity', now() from endpoint`

/** In this process: a queue's handler is the same code wherever it runs. */
async function runJobs(
  { databaseUrl }: Stack,
  bindings: Record<string, string>,
  name: (operation: string) => void,
): Promise<void> {
  const { createJobs } = (await import(JOBS)) as { createJobs(needed: readonly string[]): Jobs } // see JOBS
  const jobs = createJobs(SECRETS)
  const recorded = await ask<{ id: string }>(databaseUrl, 'select id from events limit 50', [])
  const [endpoint] = await ask<{ id: string }>(databaseUrl, 'select id from webhook_endpoints limit 1', [])
  const message = (body: unknown) => ({ id: '1', attempts: 1, body, ack() {}, retry() {} })
  const messages = [message({ recorded: recorded.map(({ id }) => id) })]
  name('queue: events')
  await jobs.queue({ queue: 'latchkey-events', messages }, bindings)
  name('queue: deliveries')
  const deliveries = [message({ endpoint_id: endpoint?.id })]
  await jobs.queue({ queue: 'latchkey-deliveries', messages: deliveries }, bindings)
  await ask(databaseUrl, UNSETTLED, [])
  for (const cron of ['* * * * *', '17 * * * *']) {
    name(`cron: ${cron}`)
    await jobs.scheduled({ cron }, bindings)
  }
}

/** The hourly cron once more, unrecorded. */
export async function makeMonths(stack: Stack): Promise<void> {
  const { createJobs } = (await import(JOBS)) as { createJobs(needed: readonly string[]): Jobs } // see JOBS
  await createJobs(SECRETS).scheduled({ cron: '17 * * * *' }, stack.bindingsFor(stack.ports))
}

/** Past the endpoint, so that it is not recorded. */
async function ask<Row extends pg.QueryResultRow>(
  connectionString: string,
  query: string,
  params: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Row>(query, params)).rows
  } finally {
    await client.end()
  }
}
