/** Where a password manager sends people (W3C, "A Well-Known URL for Changing Passwords"). */
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const PATH = '/.well-known/change-password'
const OWN_PAGE = '/link/forgot-password'
const service = useLentService()

afterEach(() => service().gates.postgres.set('open'))

everyRoute(service, { method: 'GET', path: PATH, allow: 'GET, HEAD', caller: 'anyone' })

const newTenant = (change_password_url?: string) =>
  newClient(service(), { settings: { ...(change_password_url && { change_password_url }) } })

function expectRedirect(answer: Answer<unknown>, location: string): void {
  expect({ status: answer.status, location: answer.headers.get('location') }).toEqual({
    status: 303,
    location,
  })
  expectCommonHeaders(answer, 'public, max-age=600')
}

describe('accepts', () => {
  test('leads to our own page, which is there', async () => {
    const client = await newTenant()
    expectRedirect(await client.call(PATH), OWN_PAGE)
    const page = await client.call<string>(OWN_PAGE)
    expect(page.status).toBe(200)
    expect(page.body).toContain('<form method="post" action="/link/forgot-password"')
  })

  test("leads to the tenant's page where there is one", async () => {
    const client = await newTenant('https://app.example.net/settings/password?from=manager#form')
    expectRedirect(await client.call(PATH), 'https://app.example.net/settings/password?from=manager#form')
    expectRedirect(
      await client.call(PATH, { method: 'HEAD' }),
      'https://app.example.net/settings/password?from=manager#form',
    )
  })

  test('answers a second time from the edge, also while PostgreSQL is away', async () => {
    const client = await newTenant('https://app.example.net/password')
    const first = await client.call(PATH)
    expect(first.trips).toEqual({ postgres: 1, redis: 0 })
    service().gates.postgres.set('refusing')
    const second = await client.call(PATH)
    expectRedirect(second, 'https://app.example.net/password')
    expect(second.trips).toEqual({ postgres: 0, redis: 0 })
  })

  test('tells a browser that statuses can be relied on here: what does not exist is 404', async () => {
    const client = await newTenant()
    const path = '/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200'
    expectProblem(await client.call(path), 'not_found')
  })
})

describe('attacks', () => {
  test("keeps each tenant's page apart at the edge", async () => {
    const [one, other] = [
      await newTenant('https://one.example.net/'),
      await newTenant('https://other.example.net/'),
    ]
    for (let time = 0; time < 2; time++) {
      expectRedirect(await one.call(PATH), 'https://one.example.net/')
      expectRedirect(await other.call(PATH), 'https://other.example.net/')
    }
  })

  test('leads nowhere that a request names (CASES C03, C04)', async () => {
    const client = await newTenant()
    const headers = {
      'x-forwarded-host': 'evil.test',
      forwarded: 'host=evil.test',
      referer: 'https://evil.test/',
    }
    for (const query of ['?redirect=https://evil.test', '?next=//evil.test', '?url=/\\evil.test'])
      expectRedirect(await client.call(`${PATH}${query}`, { headers }), OWN_PAGE)
  })

  test.each(['http://app.example.net/', 'javascript:alert(1)', '//evil.test', 'https:evil', '/relative', ''])(
    'house 7: a setting of %j never becomes a redirect; our own page is what is left',
    async (url) => {
      const client = await newTenant()
      const set = `update tenants set settings = jsonb_build_object('change_password_url', $2::text) where id = $1`
      await service().sql(set, [client.tenant.id, url])
      expectRedirect(await client.call(PATH), OWN_PAGE)
    },
  )
})
