/** How long a run of an hourly job goes on, who waits behind whom, and what is said when it does not keep up. */
import { afterEach, expect, test } from 'vitest'
import { newClient, race } from '../support/client.ts'
import { HOURLY, linesOf, runHourly } from '../support/hourly.ts'
import { useService } from '../support/service.ts'

const service = useService({ bindings: { JOB_SECONDS: '2' } })

const sql = <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  service().sql<R>(text, values)

/** As if each statement that deletes from the table took so long. */
async function slowDown(table: string, seconds: number) {
  await sql(`create or replace function slowly() returns trigger language plpgsql
    as $$ begin perform pg_sleep(${seconds}); return null; end $$`)
  await sql(`create trigger slowly before delete on ${table} for each statement execute function slowly()`)
}

afterEach(() => sql('drop function if exists slowly() cascade'))

async function insertKeys(count: number, mails = 1) {
  const { id } = await service().newTenant()
  await sql(
    `insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, expires_at)
     select $1, 'anonymous', 'x', n::text, 'x', now() - interval '1 hour' from generate_series(1, $2::int) n`,
    [id, count],
  )
  await sql(
    `insert into mails (tenant_id, event_id, user_id, template, state, settled_at)
     select $1, gen_random_uuid(), gen_random_uuid(), 'x', 'sent', now() - interval '31 days'
     from generate_series(1, $2::int)`,
    [id, mails],
  )
}

const leftKeys = async () =>
  (await sql<{ count: number }>('select count(*)::int as count from idempotency_keys'))[0]?.count ?? -1

const anHourLater = () =>
  sql(`update backlogs set counted_at = counted_at - interval '1 hour', since = since - interval '1 hour'`)

/** Its next runs do the rest: in how many is for the machine to say, and none comes without progress. */
async function finish(count: () => Promise<number | undefined>) {
  for (let left = await count(); left !== 0; ) {
    await runHourly(service())
    const next = await count()
    expect(next, 'a run goes on').toBeLessThan(left ?? 0)
    left = next
  }
  return runHourly(service()) // which finds nothing to do, and says that it is at the end
}

const alarms = (skipped: number) =>
  linesOf(service(), skipped).filter(({ message }) => String(message).startsWith('ALARM'))

test('piles 16: clean-up stops by time, and a kind that has much to delete starves none behind it', async () => {
  await runHourly(service())
  await insertKeys(60_000, 5002)
  await slowDown('idempotency_keys', 0.8)
  const { 'cleaned up': line } = await runHourly(service())
  expect(line).toMatchObject({ level: 'warn', unfinished: expect.stringContaining('idempotency_keys') })
  expect(line?.settled_mails).toBeGreaterThan(0)
  expect(line?.idempotency_keys).toBe(60_000 - (await leftKeys()))
  expect(await leftKeys(), 'it was stopped').toBeGreaterThan(0)
  expect(await leftKeys(), 'and not before it began').toBeLessThan(60_000)
  await sql('drop function slowly() cascade')
  expect((await finish(leftKeys))['cleaned up']).toMatchObject({ level: 'info' })
})

test('piles 16: what two runs in a row leave unfinished is an ALARM; runs that overlap count as one', async () => {
  await insertKeys(200_000)
  await slowDown('idempotency_keys', 0.8)
  const before = service().logs().length
  await race(3, () => service().runCron(HOURLY))
  expect(alarms(before)).toEqual([])
  await anHourLater()
  await race(3, () => service().runCron(HOURLY))
  expect(alarms(before), 'once, however many runs overlap').toEqual([
    expect.objectContaining({
      level: 'error',
      message: 'ALARM: job backlog is growing',
      kind: 'idempotency_keys',
      runs: 2,
      job_seconds: 2,
    }),
  ])
  await sql('drop function slowly() cascade')
  await anHourLater()
  await sql('delete from idempotency_keys')
  const finished = service().logs().length
  await runHourly(service())
  expect(alarms(finished)).toEqual([])
  expect(await sql('select kind from backlogs')).toEqual([])
})

test('piles 16: erasure stops by time, and an account with very many tokens holds up no other', async () => {
  const client = await newClient(service())
  const [large, small] = [await client.newAccount(), await client.newAccount()]
  await sql(
    `insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, used_at, expires_at)
     select gen_random_uuid(), $1, $2, sha256(('many ' || n)::bytea), 'k1', now(), now() + interval '1 day'
     from generate_series(1, 45000) n`,
    [client.tenant.id, large.tokens.session.id],
  )
  for (const { tokens } of [large, small])
    await client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })
  await sql(`update users set deleted_at = deleted_at - interval '31 days' where deleted_at is not null`)
  await slowDown('refresh_tokens', 0.8)
  const leftTokens = async () =>
    (
      await sql<{ count: number }>(
        'select count(*)::int as count from refresh_tokens where session_id = $1',
        [large.tokens.session.id],
      )
    )[0]?.count
  const isErased = async ({ tokens }: typeof large) =>
    (
      await sql<{ erased: boolean }>('select erased_at is not null as erased from users where id = $1', [
        tokens.user.id,
      ])
    )[0]?.erased

  const { 'accounts erased': line } = await runHourly(service())
  expect(line).toMatchObject({ level: 'warn', accounts: 1, failed: 0 })
  expect(await isErased(small)).toBe(true)
  expect(await isErased(large)).toBe(false)
  expect(await sql('select kind, runs from backlogs')).toContainEqual({ kind: 'erased_accounts', runs: 1 })
  await sql('drop function slowly() cascade')
  expect((await finish(leftTokens))['accounts erased']).toMatchObject({ level: 'info', failed: 0 })
  expect(await isErased(large)).toBe(true)
  expect(await sql('select kind from backlogs')).toEqual([])
})

const accountsOf = async (tenantId: string, which: string) =>
  (
    await sql<{ count: number }>(
      `select count(*)::int as count from users where tenant_id = $1 and ${which}`,
      [tenantId],
    )
  )[0]?.count

test('piles 16: erasure of very many accounts stops between two batches, and the next run goes on', async () => {
  const { id } = await service().newTenant()
  await sql(
    `insert into users (id, tenant_id, email, deleted_at)
     select gen_random_uuid(), $1, n || '@closed.example', now() - interval '31 days' from generate_series(1, 400) n`,
    [id],
  )
  await slowDown('mails', 0.8) // once for each batch of 50
  const { 'accounts erased': line } = await runHourly(service())
  const left = await accountsOf(id, 'erased_at is null')
  expect(line).toMatchObject({ level: 'warn', accounts: 400 - (left ?? 0), failed: 0 })
  expect(left, 'it was stopped').toBeGreaterThan(0)
  expect(left, 'and not before it began').toBeLessThan(400)
  expect(await sql('select kind from backlogs')).toContainEqual({ kind: 'erased_accounts' })
  await sql('drop function slowly() cascade')
  await finish(() => accountsOf(id, 'erased_at is null'))
  expect(await sql('select kind from backlogs')).toEqual([])
})

test('piles 16: closing unproved accounts stops by time, says so, and the next run goes on', async () => {
  const { id } = await service().newTenant({ settings: { registration: 'verify-first' } })
  await sql(
    `insert into users (id, tenant_id, email, awaits_proof_since)
     select gen_random_uuid(), $1, n || '@unproved.example', now() - interval '31 days' from generate_series(1, 400) n`,
    [id],
  )
  await slowDown('passwords', 0.03) // once for each account
  const { 'unverified accounts closed': line } = await runHourly(service())
  const left = await accountsOf(id, 'deleted_at is null')
  expect(line).toMatchObject({ level: 'warn', accounts: 400 - (left ?? 0) })
  expect(left, 'it was stopped').toBeGreaterThan(0)
  expect(left, 'and not before it began').toBeLessThan(400)
  expect(await sql('select kind from backlogs')).toContainEqual({ kind: 'unproved_accounts' })
  await sql('drop function slowly() cascade')
  await finish(() => accountsOf(id, 'deleted_at is null'))
  expect(await sql('select kind from backlogs')).toEqual([])
})
