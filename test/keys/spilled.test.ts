/** keys 2: what waits in Redis, sealed under a key that a Worker does not have yet. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { seal } from '../../src/crypto/sealing.ts'
import { REDIS_KEYS } from '../../src/storage/redis.ts'
import { type Client, newClient } from '../support/client.ts'
import { startService, useService } from '../support/service.ts'

const service = useService()

async function redis<Result>(...command: string[]): Promise<Result> {
  const { UPSTASH_REDIS_REST_URL = '', UPSTASH_REDIS_REST_TOKEN } = service().bindings
  const response = await fetch(UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: { authorization: `Bearer ${UPSTASH_REDIS_REST_TOKEN}` },
    body: JSON.stringify(command),
  })
  return ((await response.json()) as { result: Result }).result
}

/** An attempt on the list, as a Worker with this ring spills it. */
async function spill(ring: string, client: Client): Promise<string> {
  const id = randomUUID()
  const nothing = { address: null, country: null, city: null, network: null, user_agent: null }
  const attempt = {
    id,
    host: client.tenant.host,
    type: 'access.refused',
    subject: null,
    actor: null,
    data: { operation: 'GET /v1/me', code: 'invalid_token' },
    client: { request_id: randomUUID(), ...nothing },
    occurred_at: new Date().toISOString(),
  }
  const plaintext = new TextEncoder().encode(JSON.stringify(attempt))
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))
  const sealed = await seal(parseKeyring(ring), 'seal:event', plaintext, REDIS_KEYS.spilledEvents, random)
  await redis('RPUSH', REDIS_KEYS.spilledEvents, sealed)
  return id
}

test('keys 2: an attempt that was spilled under it waits, keeps no other waiting, and is not lost', {
  timeout: 120_000,
}, async () => {
  const client = await newClient(service())
  const ahead = `${newKeyringEntry('k2')},${service().bindings.AUTH_KEYS}`
  const audited = async () => {
    const rows = await service().sql<{ id: string }>('select id from audit_events where tenant_id = $1', [
      client.tenant.id,
    ])
    return rows.map(({ id }) => id)
  }
  const locked: string[] = []
  for (let n = 0; n < 250; n++) locked.push(await spill(ahead, client))
  const readable = await spill(service().bindings.AUTH_KEYS ?? '', client)
  await service().runCron('* * * * *')
  await service().runCron('* * * * *')
  expect(await audited()).toEqual([readable])
  expect(await redis<number>('LLEN', REDIS_KEYS.spilledEvents)).toBe(250)
  expect(service().logs().join('\n')).toMatch(/could not read spilled event.*k2/)

  const later = await startService({ beside: service(), bindings: { AUTH_KEYS: ahead } })
  try {
    await later.runCron('* * * * *')
    expect((await audited()).toSorted()).toEqual([readable, ...locked].toSorted())
    expect(await redis<number>('LLEN', REDIS_KEYS.spilledEvents)).toBe(0)
  } finally {
    await later.stop()
  }
})
