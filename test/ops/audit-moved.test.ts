/** An audit log that moves to a database of its own: whatever was not told where it is says so, and writes nothing elsewhere. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createOperatorContext } from '../../ops/context.ts'
import { migrateAll } from '../../ops/migrate.ts'
import { type Client, newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { HOURLY, linesOf } from '../support/hourly.ts'
import { type Service, startService, useService } from '../support/service.ts'
import { createWalker } from '../support/walker.ts'

const service = useService()
let apart = ''
let told: Service
let lacking: Service
let pages: Service

const operatorOf = (AUDIT_DATABASE_URL?: string) =>
  createOperatorContext(
    {
      ENVIRONMENT: 'local',
      DATABASE_URL: service().bindings.DATABASE_URL ?? '',
      ...(AUDIT_DATABASE_URL && { AUDIT_DATABASE_URL }),
    },
    ['DATABASE_URL'],
  )

const placesOf = async () =>
  (
    await service().sql<{ name: string }>(
      `select relname as name from pg_class where relname ~ '^audit_(events|heads)(_moved)?$' order by 1`,
    )
  ).map(({ name }) => name)

beforeAll(async () => {
  const name = `${service().database}_audit`
  await service().sql(`create database ${name}`)
  apart = (service().bindings.AUDIT_DATABASE_URL ?? '').replace(service().database, name)
  told = await startService({ beside: service(), bindings: { AUDIT_DATABASE_URL: apart } })
  lacking = await startService({ beside: service(), bindings: { AUDIT_DATABASE_URL: undefined } })
  const bindings = { AUDIT_DATABASE_URL: apart }
  pages = await startService({ beside: service(), workers: ['pages'], bindings })
})

afterAll(async () => {
  await service().sql('alter table if exists audit_events_moved rename to audit_events')
  await service().sql('alter table if exists audit_heads_moved rename to audit_heads')
  await Promise.all([told.stop(), lacking.stop(), pages.stop()])
  await service().sql(`drop database ${service().database}_audit with (force)`)
})

const read = (client: Client, bearer: string) =>
  client.call<{ data: { type: string }[] }>('/v1/admin/audit-events?type=user.registered', { bearer })

test('piles 18: another address of the main database moves nothing', async () => {
  expect(await migrateAll(operatorOf(service().bindings.AUDIT_DATABASE_URL))).toEqual([])
  expect(await placesOf()).toEqual(['audit_events', 'audit_heads'])
})

test('piles 18: a Worker without AUDIT_DATABASE_URL says so, although the main database still has the old audit log', async () => {
  const client = await newClient(lacking)
  const { tokens } = await client.signUpAdmin()
  await lacking.consume()
  expect((await read(client, tokens.access_token)).body.data).toHaveLength(1)
  expect(await migrateAll(operatorOf(apart))).toContain('audit-moved')
  expect(await placesOf()).toEqual(['audit_events_moved', 'audit_heads_moved'])
  const before = lacking.logs().length
  const moved = await newClient(told)
  const { tokens: later } = await moved.signUpAdmin()
  expectProblem(await read(client, tokens.access_token), 'upstream_unavailable')
  expect((await lacking.consume()).explicitAcks).toEqual([])
  expect((await lacking.runCron(HOURLY)).outcome).not.toBe('ok')
  const lines = linesOf(lacking, before).filter(({ cause }) =>
    /does this Worker lack AUDIT_DATABASE_URL/.test(String(cause)),
  )
  expect(lines.map(({ level }) => level)).toEqual(lines.map(() => 'error'))
  expect(new Set(lines.map(({ job, queue, message }) => job ?? queue ?? message))).toEqual(
    new Set(['request', 'latchkey-events', 'make audit months', 'drop audit months']),
  )
  // Nothing of what waited is lost: the Worker that knows takes it.
  await told.consume()
  expect((await read(moved, later.access_token)).body.data).toHaveLength(1)
})

test('piles 18: the Worker `pages` finds it where it is: what is downloaded there has its events', async () => {
  const client = await newClient(told, { host: 'auth.example.com' }) // wrangler.toml routes this one
  const { tokens } = await client.signUp()
  await told.consume()
  const { open, submit, cookies } = createWalker(pages, client.tenant)
  cookies.set('__Host-latchkey', tokens.refresh_token)
  const downloaded = await submit(await open('/account/data'), {}, '/account/data')
  expect(downloaded.status).toBe(200)
  const { audit_events: events } = JSON.parse(downloaded.html)
  expect(events.map(({ type }: { type: string }) => type)).toContain('user.registered')
})

test('piles 18: npm run migrate without it, or with the address of the main database, is refused', async () => {
  for (const url of [undefined, service().bindings.AUDIT_DATABASE_URL])
    await expect(migrateAll(operatorOf(url))).rejects.toThrow(/AUDIT_DATABASE_URL is missing/)
  expect(await migrateAll(operatorOf(apart)), 'with it, it may run again').toEqual([])
  expect(await placesOf()).toEqual(['audit_events_moved', 'audit_heads_moved'])
  expect(await service().sql(`select from schema_migrations where name like 'looked for%'`)).toEqual([])
})
