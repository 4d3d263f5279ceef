/** Every way to ask for audit events finds an index, on a log of several months that holds more than the asking tenant. */
import { beforeAll, expect, test } from 'vitest'
import { type AuditFilters, findAuditEvents } from '../../src/audit/list-store.ts'
import { fillAudit } from '../support/audit.ts'
import { planOf, scannedWhole } from '../support/explain.ts'
import { type TestTenant, useService } from '../support/service.ts'

const service = useService()
let tenant: TestTenant
/** The months that hold anything; to read an empty one whole costs nothing. */
let filled: string[]

beforeAll(async () => {
  await service().runCron('17 * * * *')
  tenant = await service().newTenant()
  for (const one of [tenant, await service().newTenant()]) await fillAudit(service(), one, 80_000)
  await service().runCron('17 * * * *')
  await service().sql('vacuum analyze audit_events')
  const rows = await service().sql<{ name: string }>(
    'select distinct tableoid::regclass::text as name from audit_events',
  )
  filled = rows.map(({ name }) => name)
})

const ID = '00000000-0000-0000-0000-000000000007'
const WAYS: [string, AuditFilters][] = [
  ['all of it', {}],
  ['a type', { type: ['session.started'] }],
  ['a rare type', { type: ['webhook.updated'] }],
  ['rare types', { type: ['webhook.updated', 'webhook.created', 'webhook.deleted'] }],
  ['an actor', { actor: ID }],
  ['a subject', { subject: ID }],
  ['a session', { session: ID }],
  ['a network', { address: '10.0.7.0/24' }],
  ['a wide network', { address: '10.0.0.0/20' }],
  ['a time', { from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date().toISOString() }],
  ['a subject in a time', { subject: ID, from: new Date(Date.now() - 86_400_000).toISOString() }],
]

test('the log has several months', () => {
  expect(filled.length).toBeGreaterThan(1)
  expect(filled).not.toContain('audit_events_other')
})

test.each(WAYS)('by %s: the first page, a later one and an export', async (_, filters) => {
  const after = `${new Date(Date.now() - 80_000_000).toISOString()} ${ID}`
  const pages = [
    { filters, after: null, limit: 21, order: 'newest' },
    { filters, after, limit: 101, order: 'newest' },
    { filters, after, limit: 500, order: 'oldest' },
  ] as const
  for (const page of pages) {
    const plan = await planOf(service(), (auditDb) => findAuditEvents({ auditDb }, tenant.id, page))
    const used = plan.flatMap((node) => node['Index Name'] ?? [])
    expect(used, JSON.stringify(plan, null, 1)).not.toEqual([])
    const whole = scannedWhole(plan).filter((name) => filled.includes(name))
    expect(whole, 'tables read whole').toEqual([])
  }
})

test('a network is found by the index of networks, a rare type by the index of types', async () => {
  const indexes = async (filters: AuditFilters) => {
    const page = { filters, after: null, limit: 21, order: 'newest' } as const
    const plan = await planOf(service(), (auditDb) => findAuditEvents({ auditDb }, tenant.id, page))
    return plan.flatMap((node) => node['Index Name'] ?? []).join(' ')
  }
  expect(await indexes({ address: '10.0.7.0/24' })).toMatch(/network/)
  expect(await indexes({ type: ['webhook.updated', 'webhook.deleted'] })).toMatch(/type/)
  expect(await indexes({ session: ID })).toMatch(/session/)
})
