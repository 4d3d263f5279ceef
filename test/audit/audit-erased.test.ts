/** An erasure that meets a batch of the same person's events: whichever comes first, the audit log keeps no network of theirs. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { eraseFromAudit } from '../../src/audit/audit.ts'
import { type Client, newClient, race } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'

const stage = useStage()
const service = () => stage().service

afterEach(() => {
  for (const gate of Object.values(service().gates)) gate.set('open')
  stage().queue.take()
})

const sql = <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  service().sql<R>(text, values)

/** An account with two rows in the audit log, which is closed and about to be erased, and whose next event is on its way. */
async function newClosing() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  await stage().settle()
  await client.signIn(email)
  const userId = tokens.user.id
  await sql('update users set deleted_at = now(), email = null where id = $1', [userId])
  const [late] = await sql<{ id: string; created_at: Date }>(
    'select id, created_at from events where subject = $1 and dispatched_at is null',
    [userId],
  )
  if (!late) throw new Error('no event is on its way')
  return { client, userId, late }
}

const erase = (userId: string) => eraseFromAudit(service().backend.operator, userId)

async function expectForgotten({ tenant }: Client, rows: number) {
  const written = await stage().audited(tenant)
  expect(written.map(({ network }) => network)).toEqual(Array.from({ length: rows }, () => null))
  const [chain] = await verifyChains(service().operator, tenant.id)
  expect(chain?.problems).toEqual([])
}

/** Until so many statements wait for a lock that another transaction holds. */
const untilWaiting = (count: number) =>
  vi.waitFor(async () => {
    const waiting = await sql(
      `select query from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
    )
    expect(waiting).toHaveLength(count)
  }, 60_000)

describe('piles 13: a batch that read the key before it was destroyed', () => {
  test('and writes after the erasure has ended stores no network', async () => {
    const { client, userId } = await newClosing()
    service().gates.audit.set({ delayMs: 1500 }, { when: (body) => body.includes('insert into audit_heads') })
    const consuming = service().consume()
    await vi.waitFor(() => expect(service().gates.audit.hits()).toBe(1), 60_000)
    await erase(userId)
    await consuming
    await expectForgotten(client, 3)
  })

  test('and is writing while the erasure comes is waited for, and forgotten', async () => {
    const { client, userId, late } = await newClosing()
    const holder = await service().connect()
    try {
      // The batch's statement has looked who is erased by the time that it waits for this row.
      await holder.query('begin')
      await holder.query(
        `insert into audit_events (id, occurred_at, tenant_id, sequence, type, data, previous_hash, hash)
         values ($1, $2, gen_random_uuid(), 1, 'x', '{}', '', '')`,
        [late.id, late.created_at],
      )
      const consuming = service().consume()
      await untilWaiting(1)
      const erasing = erase(userId)
      // Without the lock the erasure does not wait, and has nothing to forget yet.
      await Promise.race([untilWaiting(2), erasing])
      await holder.query('rollback')
      await Promise.all([consuming, erasing])
    } finally {
      await holder.end()
    }
    await expectForgotten(client, 3)
  })

  test('is one of 50, beside 20 erasures: each row once, nothing left of the erased, and everyone else as they were', async () => {
    const client = await newClient(service())
    const { tokens: other } = await client.newAccount()
    const people = await Promise.all(Array.from({ length: 20 }, () => client.newAccount()))
    await stage().settle()
    const ids = people.map(({ tokens }) => tokens.user.id)
    const made = await sql<{ id: string }>(
      `insert into events (id, tenant_id, type, subject, data, client)
       select gen_random_uuid(), tenant_id, 'session.ended', id, '{}', '{"address":"192.0.2.0/24"}'
       from users, generate_series(1, 10) where id = any($1) returning events.id`,
      [[...ids, other.user.id]],
    )
    await sql('update users set deleted_at = now(), email = null where id = any($1)', [ids])
    const batchOf = (index: number) =>
      Array.from({ length: 10 }, (_, place) => ({ recorded: [made[(index * 5 + place) % made.length]?.id] }))
    await Promise.all([
      race(50, (index) => service().queue('latchkey-events', batchOf(index))),
      race(20, (index) => erase(ids[index] ?? '')),
    ])
    await service().consume()
    const rows = (await stage().audited(client.tenant)).filter(({ type }) => type === 'session.ended')
    expect(rows).toHaveLength(210)
    for (const { subject, network } of rows)
      expect(network).toBe(subject === other.user.id ? '192.0.2.0/24' : null)
    const [chain] = await verifyChains(service().operator, client.tenant.id)
    expect(chain?.problems).toEqual([])
  })
})

test('piles 13: who was erased is remembered for as long as a batch can take, and no longer', async () => {
  const [early, late] = [await newClosing(), await newClosing()]
  await erase(early.userId)
  await sql(`update audit_erased set erased_at = now() - interval '1 hour'`)
  await erase(late.userId)
  expect(await sql('select user_id from audit_erased')).toEqual([{ user_id: late.userId }])
  await service().consume()
  await expectForgotten(early.client, 3)
  await expectForgotten(late.client, 3)
})
