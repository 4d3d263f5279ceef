/**
 * Every operation of the OpenAPI document once, as its tests call it, for bench/recorded.ts: a new one is recorded without
 * a line here, or stops the recording by its name where its test input does not do.
 */
import { EVERY_OPERATION } from '../test/operations.ts'
import { createClient } from '../test/support/client.ts'
import type { Service, TestTenant } from '../test/support/service.ts'
import { performSocial } from './recorded-social.ts'
import { HOST } from './stack.ts'

const ORIGIN = `http://${HOST}`

/** What the support of the tests asks of a service, as far as calling operations goes. */
type Reached = Pick<Service, 'sql' | 'redis' | 'bindings' | 'fetch' | 'isHeard'>

/** @param name told which operation the next statements are of */
export async function performEvery(reached: Reached, name: (operation: string) => void): Promise<void> {
  const [row] = await reached.sql<Omit<TestTenant, 'host' | 'origin'>>(
    'select id, name, slug from tenants join tenant_hosts on tenant_id = id where host = $1',
    [HOST],
  )
  if (!row) throw new Error(`no tenant has the host ${HOST}`)
  // `createClient` reads nothing else of it.
  const client = createClient(reached as Service, { ...row, host: HOST, origin: ORIGIN })
  // As the tenants of the tests have it.
  await reached.sql(`update tenants set settings = settings || $2::jsonb where id = $1`, [
    row.id,
    JSON.stringify({ api_key_scopes: ['orders:read', 'orders:write'] }),
  ])
  const refused: string[] = []
  for (const operation of EVERY_OPERATION) {
    name('test input')
    const isAdministered = operation.caller === 'admin' || operation.path.startsWith('/console')
    const { tokens } = await (isAdministered ? client.newAdmin() : client.newAccount())
    const call = await operation.prepare(client, tokens)
    name(operation.id)
    const { status, body } = await call()
    if (!operation.successes.includes(status))
      refused.push(`${operation.id} answered ${status}: ${JSON.stringify(body)}`)
  }
  if (refused.length > 0) throw new Error(refused.join('\n'))
  await performSocial(reached, client, name)
}
