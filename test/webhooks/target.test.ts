/** CASES M01 and M03: where a webhook may not point, at creation, at update, at test and at replay; and what DNS decides. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { expectProblem } from '../support/expect.ts'
import { a, aaaa, type Resolver, startResolver, type Zone } from '../support/resolver.ts'
import { type Service, startService } from '../support/service.ts'
import {
  type Administrator,
  newAdministrator,
  plantDelivery,
  storedDelivery,
  storedWebhook,
} from '../support/webhook-administrator.ts'

let resolver: Resolver
let service: Service
let administrator: Administrator

const HOST = 'hooks.customer.net'
const URL_OF_CUSTOMER = `https://${HOST}/in`
const PUBLIC: Zone = { A: a('93.184.215.14'), AAAA: aaaa('2606:2800:21f:cb07:6820:80da:af6b:8b2c') }

beforeAll(async () => {
  resolver = await startResolver()
  service = await startService({
    bindings: {
      WEBHOOK_PRIVATE_TARGETS: 'refused',
      DNS_OVER_HTTPS_URL: resolver.url,
      LIMITS_MULTIPLIER: '100',
    },
  })
  resolver.set(HOST, PUBLIC)
  administrator = await newAdministrator(service)
})
beforeEach(() => service.sql('delete from webhook_endpoints'))
afterAll(async () => {
  await service?.stop()
  await resolver?.stop()
})

/** That a URL is refused with this reason, at creation and at update, and that neither leaves a trace. */
async function expectRefused(url: string, reason: string): Promise<void> {
  const { client, call, create, newWebhook } = administrator
  const { id } = await newWebhook({ url: URL_OF_CUSTOMER })
  const before = await storedWebhook(service, id)
  for (const answer of [
    await create({ url }),
    await call('PATCH', `/${id}`, { url, description: 'changed' }),
  ]) {
    const { errors } = expectProblem(answer, 'webhook_target_refused')
    expect(errors, url).toEqual([{ pointer: '/url', code: reason }])
  }
  expect(await storedWebhook(service, id)).toEqual(before)
  await call('DELETE', `/${id}`)
  const [row] = await service.sql(
    'select count(*)::int as endpoints from webhook_endpoints where tenant_id = $1',
    [client.tenant.id],
  )
  expect(row).toEqual({ endpoints: 0 })
}

const CORPUS: Record<string, string[]> = {
  address_literal: [
    ...['https://127.0.0.1', 'https://0', 'https://0.0.0.0', 'https://10.1.2.3/', 'https://172.16.0.1'],
    ...['https://192.168.1.1', 'https://169.254.169.254/latest/meta-data/', 'https://100.64.0.1'],
    ...['https://198.18.0.1', 'https://192.0.2.1', 'https://224.0.0.1', 'https://255.255.255.255'],
    ...['https://[::1]', 'https://[::]', 'https://[fc00::1]', 'https://[fe80::1]', 'https://[::ffff:7f00:1]'],
    ...[
      'https://[::ffff:127.0.0.1]',
      'https://[64:ff9b::7f00:1]',
      'https://[2002:7f00:1::]',
      'https://[::7f00:1]',
    ],
    ...[
      'https://2130706433',
      'https://0x7f000001',
      'https://0x7f.1',
      'https://0177.1',
      'https://0177.0.0.01',
    ],
    ...['https://127.1', 'https://127.0.1', 'https://0X7F.0x0.0.0x1', 'https://127.0.0.1.', 'https://0/'],
    ...[
      'https://%31%32%37.0.0.1',
      'https://127%2e0%2e0%2e1',
      'https:127.0.0.1',
      'https:/127.0.0.1',
      'https:///127.0.0.1',
    ],
    ...['https://1.1.1.1', 'https://[2606:4700::1111]'], // public, but no name
  ],
  not_a_public_name: [
    ...[
      'https://localhost',
      'https://LOCALHOST',
      'https://%6cocalhost',
      'https://api.localhost',
      'https://localhost.',
    ],
    ...['https://metadata.google.internal/computeMetadata/v1/', 'https://metadata', 'https://intranet/x'],
    ...[
      'https://printer.local',
      'https://router.home.arpa',
      'https://1.0.0.127.in-addr.arpa',
      'https://nas.lan',
    ],
    ...[
      'https://hidden.onion',
      'https://name.alt',
      'https://x.test',
      'https://x.example',
      'https://x.invalid',
    ],
    ...[
      'https://example.com',
      'https://www.example.org',
      'https://db.corp',
      'https://tv.home',
      'https://a.localdomain',
    ],
    ...[`https://${HOST}.`, 'https://internal', `https://${'a.'.repeat(130)}net`],
  ],
  scheme_not_allowed: [
    ...[
      `http://${HOST}`,
      `ftp://${HOST}`,
      'file:///etc/passwd',
      'gopher://127.0.0.1:6379/_INFO',
      `wss://${HOST}`,
    ],
    ...[
      'javascript:alert(1)',
      'data:text/plain,x',
      `blob:https://${HOST}/x`,
      'about:blank',
      `x-https://${HOST}`,
    ],
  ],
  port_not_allowed: [22, 25, 80, 444, 6379, 8443, 65535, 0].map((port) => `https://${HOST}:${port}/`),
  userinfo_not_allowed: [
    ...[
      `https://user:pass@${HOST}`,
      `https://user@${HOST}`,
      `https://:pass@${HOST}`,
      `https://${HOST}@127.0.0.1`,
    ],
    ...[`https://127.0.0.1%2f@${HOST}`, `https://a@b@${HOST}`],
  ],
  fragment_not_allowed: [`https://${HOST}#@127.0.0.1`, `https://${HOST}/#`, `https://${HOST}/?a#b`],
  invalid_characters: [
    ...[
      `https://${HOST}\\@127.0.0.1`,
      'https:\\\\127.0.0.1',
      `https://127.0.0.1\\.${HOST}`,
      `https://${HOST}/\\`,
    ],
    ...[
      'https://127。0。0。1',
      'https://①②⑦.0.0.1',
      'https://ｌｏｃａｌｈｏｓｔ',
      'https://hooks.custömer.net',
    ],
    ...[
      ` https://${HOST}`,
      `https://${HOST} `,
      'https://127.0.\n0.1',
      'ht\ttps://127.0.0.1',
      `https://${HOST}/\u2028`,
    ],
    ...[`https://${HOST}/\r\nHost: 127.0.0.1`, `https://${HOST}/\u202e`],
  ],
  not_a_url: [
    ...['x', '/relative', '//127.0.0.1', 'https://', 'https://?', 'https://[::1', 'https://256.256.256.256'],
    ...['https://1.2.3.4.5', 'https://0x7f.0.0.0.1', `https://${HOST}%40127.0.0.1`, `https://${HOST}%00.net`],
    ...[`https://${HOST}:99999`, 'https://[fe80::1%25eth0]', 'https://a_b|c.net'],
  ],
  too_long: [`https://${HOST}/${'"'.repeat(1000)}`],
}

describe.each(Object.entries(CORPUS))('refuses %s', (reason, urls) => {
  test.each(urls)('%j', (url) => expectRefused(url, reason))
})

test('the resolver was asked about the customer’s host alone, of both families, and told what to answer with', () => {
  const questions = new Set(resolver.all())
  expect([...questions].toSorted()).toEqual(
    ['A', 'AAAA'].map((type) => `${HOST} ${type} application/dns-json`),
  )
})

describe('accepts', () => {
  test.each([
    ['both families', PUBLIC],
    ['IPv4 alone', { A: a('93.184.215.14', '93.184.215.15') }],
    ['IPv6 alone', { AAAA: aaaa('2606:4700::6810:84e5') }],
    ['NXDOMAIN for one family', { A: a('93.184.215.14'), AAAA: { Status: 3 } }],
    [
      'a chain of names that ends at public addresses',
      {
        A: {
          Status: 0,
          Answer: [
            { type: 5, data: 'edge.cdn.net.' },
            { type: 5, data: 'a.cdn.net.' },
            { type: 1, data: '93.184.215.14' },
          ],
        },
      },
    ],
  ] as [string, Zone][])('a host with public addresses: %s', async (_, zone) => {
    resolver.set('public.customer.net', zone)
    const { status, body } = await administrator.create({ url: 'https://public.customer.net:443/in?x=1' })
    expect({ status, url: body.url }).toEqual({ status: 201, url: 'https://public.customer.net/in?x=1' })
    await administrator.call('DELETE', `/${body.id}`)
  })
})

const cname = (...records: { type: number; data: unknown }[]) => ({
  Status: 0,
  Answer: [{ type: 5, data: 'inside.customer.net.' }, ...records],
})

describe('refuses what DNS says', () => {
  test.each([
    ['a private address', { A: a('10.0.0.1') }, 'private_address'],
    [
      'a private address among public ones',
      { A: a('93.184.215.14', '10.0.0.1', '93.184.215.15') },
      'private_address',
    ],
    ['private IPv6 beside public IPv4', { A: a('93.184.215.14'), AAAA: aaaa('fd00::1') }, 'private_address'],
    ['the metadata service', { A: a('169.254.169.254') }, 'private_address'],
    ['loopback, mapped into IPv6', { AAAA: aaaa('::ffff:127.0.0.1') }, 'private_address'],
    ['loopback, mapped in hexadecimal', { AAAA: aaaa('::ffff:7f00:1') }, 'private_address'],
    ['loopback behind NAT64', { AAAA: aaaa('64:ff9b::7f00:1') }, 'private_address'],
    ['a private address behind 6to4', { AAAA: aaaa('2002:a00:1::') }, 'private_address'],
    [
      'a name of another name that is private',
      { A: cname({ type: 1, data: '10.0.0.1' }) },
      'private_address',
    ],
    [
      'an address of the family that was not asked for',
      { A: cname({ type: 28, data: '::1' }) },
      'private_address',
    ],
    ['an address in another spelling', { A: a('0x7f.0.0.1') }, 'private_address'],
    ['a short address', { A: a('127.1') }, 'private_address'],
    ['an address that is text', { A: a('93.184.215.14 10.0.0.1') }, 'private_address'],
    [
      'an address that is no text',
      { A: { Status: 0, Answer: [{ type: 1, data: { ip: 1 } }] } },
      'private_address',
    ],
    [
      'private although there is no such name',
      { A: { Status: 3, Answer: [{ type: 1, data: '10.0.0.1' }] } },
      'private_address',
    ],
    ['that there is no such name', { A: { Status: 3 }, AAAA: { Status: 3 } }, 'no_address'],
    ['that it has no addresses', {}, 'no_address'],
    ['a name and no more', { A: cname(), AAAA: cname() }, 'no_address'],
    [
      'records of other types alone',
      { A: { Status: 0, Answer: [{ type: 16, data: '93.184.215.14' }] } },
      'no_address',
    ],
    ['that its servers fail', { A: { Status: 2 }, AAAA: { Status: 2 } }, 'not_resolvable'],
    [
      'that its servers fail for one family',
      { A: a('93.184.215.14'), AAAA: { Status: 2 } },
      'not_resolvable',
    ],
    ['that its servers refuse', { A: { Status: 5 }, AAAA: { Status: 5 } }, 'not_resolvable'],
  ] as [string, Zone, string][])('%s', async (_, zone, reason) => {
    resolver.set('inside.customer.net', zone)
    await expectRefused('https://inside.customer.net/', reason)
  })
})

describe('answers 503 or 504, and makes nothing, when the resolver', () => {
  test.each([
    ['answers 500', { status: 500, body: '{"Status":0}' }, 'upstream_unavailable'],
    ['answers text', { status: 200, body: 'yes' }, 'upstream_unavailable'],
    ['answers a list', { status: 200, body: '[]' }, 'upstream_unavailable'],
    ['answers without a status', { status: 200, body: '{"Answer":[]}' }, 'upstream_unavailable'],
    [
      'answers records that are none',
      { status: 200, body: '{"Status":0,"Answer":{}}' },
      'upstream_unavailable',
    ],
    [
      'answers a megabyte',
      { status: 200, body: `{"Status":0,"x":"${'x'.repeat(1_000_000)}"}` },
      'upstream_unavailable',
    ],
    [
      'sends elsewhere',
      { status: 302, headers: { location: `/dns-query?name=${HOST}&type=A` } },
      'upstream_unavailable',
    ],
    ['stops in the middle', 'cuts', 'upstream_unavailable'],
    ['says nothing', 'hangs', 'upstream_timeout'],
  ] as const)('%s', async (_, answer, code) => {
    resolver.set('unknown.customer.net', { A: a('93.184.215.14'), AAAA: answer })
    const { client, create } = administrator
    expectProblem(await create({ url: 'https://unknown.customer.net/' }), code)
    const rows = await service.sql('select id from webhook_endpoints where tenant_id = $1', [
      client.tenant.id,
    ])
    expect(rows).toEqual([])
  })
})

describe('an endpoint whose name has moved inside (FINDINGS F18)', () => {
  async function moved(zone: Zone) {
    const { call, newWebhook } = await newAdministrator(service)
    resolver.set('moving.customer.net', PUBLIC)
    const { id } = await newWebhook({ url: 'https://moving.customer.net/' })
    const deliveryId = await plantDelivery(service, id)
    resolver.set('moving.customer.net', zone)
    const calls = [
      () => call('POST', `/${id}/test`),
      () => call('POST', `/${id}/deliveries/${deliveryId}/replay`),
      () => call('POST', `/${id}/deliveries/replay`, { since: '2020-01-01T00:00:00Z' }),
    ]
    const expectUntouched = async () => {
      expect(await storedDelivery(service, deliveryId)).toMatchObject({ state: 'dead' })
      const rows = await service.sql('select id from webhook_deliveries where endpoint_id = $1', [id])
      expect(rows).toEqual([{ id: deliveryId }])
    }
    return { calls, expectUntouched }
  }

  test('is neither tested nor replayed', async () => {
    const { calls, expectUntouched } = await moved({ A: a('169.254.169.254') })
    for (const call of calls) {
      const { errors } = expectProblem(await call(), 'webhook_target_refused')
      expect(errors).toEqual([{ pointer: '/url', code: 'private_address' }])
    }
    await expectUntouched()
  })

  test('nor while no one can say where it is', async () => {
    const { calls, expectUntouched } = await moved({ A: 'hangs' })
    for (const call of calls) expectProblem(await call(), 'upstream_timeout')
    await expectUntouched()
  })
})

describe('accounts 10: no name is looked up for', () => {
  const NAME = 'asked.customer.net'
  const url = `https://${NAME}/`

  /** Every call that would look the name up, by a caller who has the token. */
  async function calls() {
    const { client, call, newWebhook } = await newAdministrator(service)
    resolver.set(NAME, PUBLIC)
    const { id } = await newWebhook({ url })
    const deliveryId = await plantDelivery(service, id)
    const before = resolver.asked(NAME).length
    const json = { url, events: ['*'] }
    const by = (bearer: string) => [
      call('POST', '', json, { bearer }),
      call('POST', '', json, { bearer, headers: { 'idempotency-key': crypto.randomUUID() } }),
      call('PATCH', `/${id}`, { url }, { bearer }),
      call('POST', `/${id}/test`, undefined, { bearer }),
      call('POST', `/${id}/deliveries/${deliveryId}/replay`, undefined, { bearer }),
      call('POST', `/${id}/deliveries/replay`, { since: '2020-01-01T00:00:00Z' }, { bearer }),
    ]
    const expectUnasked = () => expect(resolver.asked(NAME)).toHaveLength(before)
    return { client, by, expectUnasked }
  }

  test('a member who is no administrator', async () => {
    const { client, by, expectUnasked } = await calls()
    const { tokens } = await client.signUp()
    for (const answer of await Promise.all(by(tokens.access_token)))
      expectProblem(answer, 'insufficient_role')
    expectUnasked()
  })

  test('an administrator who is none any more, whatever their token says', async () => {
    const { client, by, expectUnasked } = await calls()
    const { email, tokens } = await client.signUpAdmin()
    const { access_token } = await client.signIn(email) // its `roles` hold `admin`
    await service.sql("update users set roles = '{}' where id = $1", [tokens.user.id])
    for (const answer of await Promise.all(by(access_token))) expectProblem(answer, 'insufficient_role')
    expectUnasked()
  })

  test('a session that has ended', async () => {
    const { client, by, expectUnasked } = await calls()
    const { tokens } = await client.signUpAdmin()
    await client.logout(tokens.refresh_token)
    for (const answer of await Promise.all(by(tokens.access_token))) expectProblem(answer, 'invalid_token')
    expectUnasked()
  })
})
