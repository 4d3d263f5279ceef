/** The overview of the console: pictures that say the same as their tables, from a bounded number of rows. */
import { beforeAll, describe, expect, test } from 'vitest'
import { COUNTED_EVENTS, countEvents } from '../../src/audit/count-store.ts'
import { picturesOf, windowOf } from '../../src/console/pictures.ts'
import { COUNTED_DROPS, countDroppedMails } from '../../src/mailer/drops-store.ts'
import { fillAudit } from '../support/audit.ts'
import { newClient } from '../support/client.ts'
import { planOf, scannedWhole } from '../support/explain.ts'
import { type TestTenant, useService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useService()

async function newDesk() {
  const client = await newClient(service())
  const { tokens } = await client.newAdmin()
  const walker = createWalker(service(), client.tenant)
  walker.cookies.set('__Host-latchkey', tokens.refresh_token)
  return { client, tokens, ...walker }
}

/** An event that is in the log already. */
const logged = (tenant: TestTenant, type: string, minutesAgo: number, data: object = {}) =>
  service().sql(
    `insert into audit_events (id, occurred_at, tenant_id, sequence, type, data, previous_hash, hash)
     values (gen_random_uuid(), now() - make_interval(mins => $3), $1, 1, $2, $4, '', '')`,
    [tenant.id, type, minutesAgo, JSON.stringify(data)],
  )

describe('the pictures', () => {
  test('console 4: what happened is in the picture, in its legend and in its table; what is of another tenant is not', async () => {
    const { client, open } = await newDesk()
    const other = await newClient(service())
    await logged(other.tenant, 'session.started', 5)
    for (const minutes of [1, 90, 91]) await logged(client.tenant, 'session.started', minutes)
    await logged(client.tenant, 'session.started', 3 * 24 * 60)
    await logged(client.tenant, 'session.refused', 2, { code: 'invalid_credentials' })
    await logged(client.tenant, 'limit.exceeded', 2, { code: 'rate_limited', times: 40 })
    await logged(client.tenant, 'webhook.delivery_dead', 2)
    const day = await open('/console')
    expect(day.status).toBe(200)
    expect(day.text).toContain('session.started 3')
    expect(day.text).toContain('rate_limited 40')
    expect(day.text).toContain('invalid_credentials 1')
    const pictures = day.elements.filter(({ tag }) => tag === 'svg')
    expect(pictures.map(({ attributes }) => attributes.role)).toEqual(['img', 'img', 'img'])
    for (const { attributes, children } of pictures) {
      expect(children.find(({ tag }) => tag === 'title')?.attributes.id).toBe(attributes['aria-labelledby'])
      expect(children.filter(({ tag }) => tag === 'rect').length).toBeGreaterThan(0)
    }
    expect(day.elements.filter(({ tag }) => tag === 'table')).toHaveLength(3)
    expect((await open('/console?span=week')).text).toContain('session.started 4')
    expect((await open('/console?span=%3Cb%3E')).status).toBe(200)
  })

  test('console 4: the numbers are kept for a minute, sealed, for this tenant alone', async () => {
    const { client, open, tokens } = await newDesk()
    await logged(client.tenant, 'session.started', 1)
    expect((await open('/console')).text).toContain('session.started 1')
    await logged(client.tenant, 'session.started', 1)
    const cookie = `__Host-latchkey=${tokens.refresh_token}`
    const again = await client.call<string>('/console', { headers: { cookie } })
    expect(again.trips.postgres).toBe(1)
    expect(again.body).toContain('session.started</code> 1')
    const there = await client.call('/.edge/console-overview/day')
    expect(there.status).toBe(404)
  })
})

test('console 4: who may not see the overview but another page is led there', async () => {
  const { client, tokens, open } = await newDesk()
  await service().sql(
    `update tenants set settings = settings || '{"roles": {"support": ["latchkey:users:read"]}}' where id = $1`,
    [client.tenant.id],
  )
  await service().sql(`update users set roles = '{support}' where id = $1`, [tokens.user.id])
  const led = await open('/console')
  expect(led.heading).toBe('Users')
  const list = led.elements.filter(({ attributes }) => attributes.href?.startsWith('/console'))
  expect(list.map(({ attributes }) => attributes.href)).not.toContain('/console/audit')
})

test('console 4: a window begins at a whole interval and ends after now; what an attempt stands for is counted', () => {
  const now = new Date('2026-11-28T13:37:42.123Z')
  expect(windowOf(now, 'day')).toEqual({ from: '2026-11-27T14:00:00.000Z', seconds: 3600, steps: 24 })
  expect(windowOf(now, 'week').from).toBe('2026-11-21T18:00:00.000Z')
  expect(windowOf(now, 'month').from).toBe('2026-10-30T00:00:00.000Z')
  const counts = [
    { type: 'session.refused', step: 1, code: 'invalid_credentials', count: 2, isCut: false },
    { type: 'token.refused', step: 1, code: 'invalid_credentials', count: 3, isCut: true },
  ]
  const refusals = picturesOf(counts, [], { steps: 3 }).find(({ name }) => name === 'refusals')
  expect(refusals).toEqual({
    name: 'refusals',
    series: [{ name: 'invalid_credentials', counts: [0, 5, 0] }],
    isCut: true,
  })
})

describe('mail that was not sent', () => {
  /** A mail that was settled already. */
  const settled = (tenant: TestTenant, state: string, reason: string | null, minutesAgo: number) =>
    service().sql(
      `insert into mails (event_id, user_id, tenant_id, template, state, reason, settled_at)
       values (gen_random_uuid(), gen_random_uuid(), $1, 'sign_in', $2, $3, now() - make_interval(mins => $4))`,
      [tenant.id, state, reason, minutesAgo],
    )

  test('console 4: is counted by its reason; what was sent, replaced, or is of another tenant is not', async () => {
    const { client, open } = await newDesk()
    const other = await newClient(service())
    await settled(other.tenant, 'dropped', 'undeliverable', 5)
    await settled(client.tenant, 'dropped', 'undeliverable', 5)
    await settled(client.tenant, 'dropped', 'undeliverable', 90)
    await settled(client.tenant, 'dropped', 'undeliverable', 3 * 24 * 60)
    await settled(client.tenant, 'dropped', 'capped', 5)
    await settled(client.tenant, 'dropped', 'superseded', 5)
    await settled(client.tenant, 'dropped', 'no_recipient', 5)
    await settled(client.tenant, 'sent', null, 5)
    const day = await open('/console')
    expect(day.text).toContain('Emails that were not sent 3 ')
    expect(day.text).toContain('undeliverable 2')
    expect(day.text).toContain('capped 1')
    expect(day.text).not.toMatch(/superseded|no_recipient/)
    expect((await open('/console?span=week')).text).toContain('undeliverable 3')
  })

  test('console 4: is found by an index; of very many no more than two hundred an interval are counted', async () => {
    const [{ tenant }, other] = [await newClient(service()), await newClient(service())]
    await service().sql(
      `insert into mails (event_id, user_id, tenant_id, template, state, settled_at)
       select gen_random_uuid(), gen_random_uuid(), $1, 'sign_in', 'sent', now() - make_interval(secs => step)
       from generate_series(1, 40000) as step`,
      [other.tenant.id],
    )
    await service().sql(
      `insert into mails (event_id, user_id, tenant_id, template, state, reason, settled_at)
       select gen_random_uuid(), gen_random_uuid(), $1, 'sign_in', 'dropped',
         case when step % 9 = 0 then 'undeliverable' else 'superseded' end, now() from generate_series(1, 9000) as step`,
      [tenant.id],
    )
    await service().sql('vacuum analyze mails')
    const count = (db: Parameters<typeof countDroppedMails>[0]['db']) =>
      countDroppedMails({ db, host: tenant.host }, windowOf(new Date(), 'day'))
    expect(await count(service().operator.db)).toMatchObject([
      { reason: 'undeliverable', count: COUNTED_DROPS, isCut: true },
    ])
    const plan = await planOf(service(), count)
    expect(plan.flatMap((node) => node['Index Name'] ?? [])).toContain('mails_failed')
    expect(scannedWhole(plan)).not.toContain('mails')
  })
})

describe('on a log of several months', () => {
  let tenant: TestTenant
  beforeAll(async () => {
    await service().runCron('17 * * * *')
    tenant = await service().newTenant()
    for (const one of [tenant, await service().newTenant()]) await fillAudit(service(), one, 80_000)
    await service().runCron('17 * * * *')
    await service().sql('vacuum analyze audit_events')
  }, 120_000)

  const TYPES = { changes: ['session.started'], refusals: ['session.refused'] } as const

  test.each(['day', 'week', 'month'] as const)(
    'console 4: of a %s, it finds an index, and reads no table whole',
    async (span) => {
      const plan = await planOf(service(), (auditDb) =>
        countEvents({ auditDb }, tenant.id, windowOf(new Date(), span), TYPES),
      )
      const used = plan.flatMap((node) => node['Index Name'] ?? [])
      expect(used).not.toEqual([])
      const filled = await service().sql<{ name: string }>(
        'select distinct tableoid::regclass::text as name from audit_events',
      )
      const names = filled.map(({ name }) => name)
      expect(scannedWhole(plan).filter((name) => names.includes(name))).toEqual([])
    },
  )

  test('console 4: of very many at once no more than a thousand are counted, and it says so', async () => {
    await service().sql(
      `insert into audit_events (id, occurred_at, tenant_id, sequence, type, data, previous_hash, hash)
       select gen_random_uuid(), now(), $1, 1, 'session.started', '{}', '', '' from generate_series(1, 1500)`,
      [tenant.id],
    )
    const counted = await countEvents(
      { auditDb: service().operator.auditDb },
      tenant.id,
      windowOf(new Date(), 'day'),
      TYPES,
    )
    expect(Math.max(...counted.map(({ count }) => count))).toBe(COUNTED_EVENTS)
    expect(counted.some(({ isCut }) => isCut)).toBe(true)
  })
})
