import { afterEach, describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { useLentService } from '../support/service.ts'

const PATH = '/.well-known/openid-configuration'
const service = useLentService()

afterEach(() => service().gates.postgres.set('open'))

everyRoute(service, { method: 'GET', path: PATH, allow: 'GET, HEAD', caller: 'anyone' })

describe('accepts', () => {
  test('names the issuer of this host and where its keys are', async () => {
    const client = await newClient(service())
    const answer = await client.call<{ issuer: string; jwks_uri: string }>(PATH)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer, 'public, max-age=600')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.body.issuer).toBe(client.tenant.origin)
    const keys = await service().fetch(answer.body.jwks_uri)
    expect(keys.status).toBe(200)
    await keys.body?.cancel()
  })

  test('answers a second time from the edge, also while PostgreSQL is away', async () => {
    const client = await newClient(service())
    const first = await client.call(PATH)
    expect(first.trips).toEqual({ postgres: 1, redis: 0 })
    service().gates.postgres.set('refusing')
    expect(await client.call(PATH)).toMatchObject({ status: 200, body: first.body, trips: { postgres: 0 } })
  })
})

describe('attacks', () => {
  test('the Host of the request decides, byte for byte, and nothing else', async () => {
    const { tenant } = await newClient(service())
    const ask = async (target: string, host: string) =>
      (await sendRaw(service(), rawRequest(`GET ${target} HTTP/1.1`, [`Host: ${host}`]))).status
    expect(await ask(PATH, tenant.host)).toBe(200)
    expect(await ask(PATH, tenant.host.toUpperCase()), 'host names have no case').toBe(200)
    for (const host of [`${tenant.host}.evil.test`, `evil.test`, `x.${tenant.host}`, `${tenant.host}:8443`])
      expect(await ask(PATH, host), host).toBe(421)
  })

  test('a forged forwarding header does not become the issuer (CASES C03)', async () => {
    const client = await newClient(service())
    const headers = {
      'x-forwarded-host': 'evil.test',
      forwarded: 'host=evil.test',
      'x-forwarded-proto': 'https',
    }
    const { body } = await client.call<{ issuer: string }>(PATH, { headers })
    expect(body.issuer).toBe(client.tenant.origin)
  })

  test('announces no unsigned tokens (CASES A02)', async () => {
    const { body } = await (await newClient(service())).call(PATH)
    expect(JSON.stringify(body)).not.toMatch(/none|HS256/)
  })
})
