/** The statements that the operations send, exactly as they arrive at Neon's endpoint: each operation is done once. */
import { type Call, createSender } from './client.ts'
import { newEmail } from './operations.ts'
import { startProxy } from './proxy.ts'
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
    for (const { query, params } of queries) statements.push({ operation, query, params })
  })
  const bindings = stack.bindingsFor({ ...stack.ports, neon: neon.port })
  const services = [{ name: 'latchkey', bundle: stack.bundles.latchkey, bindings }]
  const workerd = await startWorkerd({ ...stack, services, edgeCache: false })
  const { expect, close } = createSender(workerd.ports.latchkey ?? 0)
  const perform = async (name: string, status: number, call: Call) => {
    operation = name
    const { body } = await expect(status, call)
    return body
  }
  try {
    await performAll(perform)
    return statements
  } finally {
    close()
    await workerd.stop()
    await neon.stop()
  }
}

type Perform = (name: string, status: number, call: Call) => Promise<string>

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
