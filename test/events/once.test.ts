/**
 * Whatever the queue, the audit log's database or the consumer do: what happened is in the audit log once, and who
 * signs in does not notice (FINDINGS F13, F14).
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { createOperatorContext } from '../../ops/context.ts'
import { type Client, newClient, PASSWORD, race } from '../support/client.ts'
import { ageOutbox, useStage } from '../support/event-stage.ts'

const stage = useStage()

afterEach(() => {
  const { service, queue } = stage()
  for (const gate of Object.values(service.gates)) gate.set('open')
  queue.refuse(false)
  queue.take()
})

/** Registers and fails to sign in: two events that are recorded, and an attempt that is not. */
async function happen(client: Client) {
  const account = await client.newAccount()
  await client.login(account.email, 'not the password')
  return account
}

const ALL = ['session.refused', 'session.started', 'user.registered']

/** The messages of `happen`, once the Worker has sent them. */
async function sent({ tenant }: Client): Promise<unknown[]> {
  const bodies = await vi.waitFor(async () => {
    const found = await stage().messagesOf(tenant)
    expect(found).toHaveLength(2)
    return found
  }, 5000)
  stage().queue.take()
  return bodies
}

const consume = (bodies: readonly unknown[]) => stage().service.queue('latchkey-events', bodies)

async function typesOf({ tenant }: Client): Promise<string[]> {
  return (await stage().audited(tenant)).map(({ type }) => type).toSorted()
}

async function expectIntact({ tenant }: Client): Promise<void> {
  const ctx = createOperatorContext(
    { ENVIRONMENT: 'local', DATABASE_URL: stage().service.bindings.DATABASE_URL ?? '' },
    ['DATABASE_URL'],
  )
  const [chain] = await verifyChains(ctx, tenant.id)
  expect(chain?.problems).toEqual([])
}

describe('each event is in the audit log once', () => {
  test('when every message comes five times, and in reverse order', async () => {
    const client = await newClient(stage().service)
    await happen(client)
    const bodies = await sent(client)
    const many = Array.from({ length: 5 }, () => bodies).flat()
    const { explicitAcks } = await consume(many)
    expect(explicitAcks).toHaveLength(10)
    await consume(many.toReversed())
    for (const body of many.toReversed()) await consume([body])
    expect(await typesOf(client)).toEqual(ALL)
    await expectIntact(client)
  })

  test('when 50 consumers get the same messages at once', async () => {
    const client = await newClient(stage().service)
    await happen(client)
    const bodies = await sent(client)
    const outcomes = await race(50, () => consume(bodies))
    // A consumer that lost every turn is given the messages again; no one may be told that they are dead.
    for (const { outcome } of outcomes) expect(outcome).toBe('ok')
    await consume(bodies)
    expect(await typesOf(client)).toEqual(ALL)
    await expectIntact(client)
  })

  test('and in one chain, when 50 consumers write different events of a tenant at once', async () => {
    const { service } = stage()
    const client = await newClient(service)
    const { tokens } = await client.newAccount()
    const made = await service.sql<{ id: string }>(
      `insert into events (id, tenant_id, type, subject, data)
       select gen_random_uuid(), tenant_id, 'session.ended', user_id, '{}' from sessions, generate_series(1, 50)
       where id = $1 returning events.id`,
      [tokens.session.id],
    )
    let waiting: unknown[] = made.map(({ id }) => ({ recorded: [id] }))
    // A consumer that came too late at every turn is given its message again, as the queue would.
    for (let again = 0; waiting.length > 0 && again < 10; again++) {
      const outcomes = await race(waiting.length, (index) => consume([waiting[index]]))
      waiting = waiting.filter((_, index) => outcomes[index]?.explicitAcks.length === 0)
    }
    expect((await typesOf(client)).filter((type) => type === 'session.ended')).toHaveLength(50)
    await expectIntact(client)
  })

  test('when the Worker is stopped between commit and delivery: the sweep finds what was recorded', async () => {
    const { service, queue, messagesOf } = stage()
    const client = await newClient(service)
    await client.newAccount()
    await vi.waitFor(async () => expect(await messagesOf(client.tenant)).toHaveLength(1))
    queue.take()
    await service.runCron('* * * * *')
    expect(await typesOf(client), 'too young: the queue may still have it').toEqual([])
    await ageOutbox(service)
    await race(5, () => service.runCron('* * * * *'))
    expect(await typesOf(client)).toEqual(['session.started', 'user.registered'])
    await expectIntact(client)
  })

  test('when the queue refuses for a minute, attempts included', async () => {
    const { service, queue, messagesOf } = stage()
    const client = await newClient(service)
    const refused = () => service.logs().filter((line) => line.includes('could not queue events')).length
    const before = refused()
    queue.refuse(true)
    await happen(client)
    await vi.waitFor(() => expect(refused()).toBe(before + 2), 5000)
    queue.refuse(false)
    await ageOutbox(service)
    await vi.waitFor(async () => {
      await service.runCron('* * * * *')
      expect(await typesOf(client)).toEqual(ALL)
    }, 5000)
    await service.runCron('* * * * *')
    expect(await typesOf(client)).toEqual(ALL)
    expect(await messagesOf(client.tenant)).toEqual([])
  })

  test.each([
    ['before it wrote', 'audit', 'refusing'],
    ['in the middle of its write', 'audit', 'cut'],
    ['after it wrote, before it knew', 'audit', 'reset-after-commit'],
    ['before it settled', 'postgres', 'cut'],
    ['after it settled, before it knew', 'postgres', 'reset-after-commit'],
  ] as const)('when the consumer dies %s', async (_, gate, mode) => {
    const { service } = stage()
    const client = await newClient(service)
    await happen(client)
    const bodies = await sent(client)
    const settles = (body: string) => /update \\"events\\"|insert into audit_heads/.test(body)
    service.gates[gate].set(mode, { when: settles })
    const { explicitAcks } = await consume(bodies)
    expect(service.gates[gate].hits()).toBeGreaterThan(0)
    expect(explicitAcks).toEqual([])
    service.gates[gate].set('open')
    expect((await consume(bodies)).explicitAcks).toHaveLength(2)
    expect(await typesOf(client)).toEqual(ALL)
    await expectIntact(client)
  })

  test('when the audit log is refused, then slow, then back', async () => {
    const { service } = stage()
    const client = await newClient(service)
    service.gates.audit.set('refusing')
    await happen(client)
    const bodies = await sent(client)
    const refused = await consume(bodies)
    expect(refused.retryMessages).toHaveLength(2)
    expect(refused.retryMessages.map(({ delaySeconds }) => delaySeconds)).toEqual([30, 30])
    service.gates.audit.set({ delayMs: 1000 })
    expect((await consume(bodies)).explicitAcks).toHaveLength(2)
    service.gates.audit.set('open')
    await ageOutbox(service)
    await service.runCron('* * * * *')
    expect(await typesOf(client)).toEqual(ALL)
    await expectIntact(client)
  })
})

describe('a sign-in does not notice', () => {
  test.each([
    ['refused', 'refusing'],
    ['answering after 5 s', { delayMs: 5000 }],
    ['hanging', 'hanging'],
  ] as const)('an audit log that is %s: same answer, same trips', async (_, mode) => {
    const { service } = stage()
    const client = await newClient(service)
    const { email } = await client.newAccount()
    const healthy = await client.login(email)
    service.gates.audit.set(mode)
    const begun = Date.now()
    const { status, trips } = await client.login(email)
    expect({ status, trips }).toEqual({ status: 200, trips: healthy.trips })
    expect(Date.now() - begun, 'it never waited for the audit log').toBeLessThan(5000)
    expect(service.gates.audit.hits(), 'a request never asks the audit log').toBe(0)
  })

  test('64 sign-ins at once complete while the audit log hangs and the queue refuses (F15)', async () => {
    const { service, queue } = stage()
    const client = await newClient(service)
    const { email } = await client.newAccount()
    service.gates.audit.set('hanging')
    queue.refuse(true)
    const others = await Promise.all(
      Array.from({ length: 64 }, async () => {
        const elsewhere = await newClient(service)
        return elsewhere.register()
      }),
    )
    expect(others.map(({ status }) => status)).toEqual(Array.from({ length: 64 }, () => 201))
    expect((await client.login(email, PASSWORD)).status).toBe(200)
  })
})

describe('a message that cannot be handled', () => {
  test('is retried by itself, later each time, and its neighbours are not', async () => {
    const { service } = stage()
    const client = await newClient(service)
    await client.newAccount()
    const good = await vi.waitFor(async () => {
      const [own] = await stage().messagesOf(client.tenant)
      expect(own).toBeDefined()
      return own
    })
    stage().queue.take()
    const poison = [{ nonsense: true }, null, { recorded: ['x'] }, { attempt: { id: 'x' } }, { recorded: [] }]
    const { explicitAcks, retryMessages } = await service.queue('latchkey-events', [good, ...poison], 3)
    expect(explicitAcks).toHaveLength(1)
    expect(retryMessages.map(({ delaySeconds }) => delaySeconds)).toEqual(poison.map(() => 120))
    expect(await typesOf(client)).toEqual(['session.started', 'user.registered'])
  })

  test('ends in the dead-letter queue with an alarm line; what it was about is not lost', async () => {
    const { service } = stage()
    const client = await newClient(service)
    await happen(client)
    const bodies = await sent(client)
    const { explicitAcks } = await service.queue('latchkey-events-dead', [...bodies, { nonsense: 'secret' }])
    expect(explicitAcks).toHaveLength(3)
    const alarms = service.logs().filter((line) => line.includes('ALARM'))
    expect(alarms).toHaveLength(3)
    expect(alarms.join()).not.toContain('secret')
    await ageOutbox(service)
    await service.runCron('* * * * *')
    expect(await typesOf(client)).toEqual(ALL)
  })

  test('of a type that only a newer version knows is left to it, and holds up no sweep', async () => {
    const { service } = stage()
    const client = await newClient(service)
    await client.newAccount()
    // More than one round of the sweep, and older than what we know.
    await service.sql(
      `insert into events (id, tenant_id, type, created_at)
       select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, 'moon.risen', now() - interval '1 hour'
       from generate_series(1, 450) n`,
      [client.tenant.id],
    )
    await ageOutbox(service)
    await service.runCron('* * * * *')
    expect(await typesOf(client)).toEqual(['session.started', 'user.registered'])
    const left = await service.sql(
      `delete from events where type = 'moon.risen' and dispatched_at is null returning 1`,
    )
    expect(left).toHaveLength(450)
  })

  test('of an event that the audit log cannot store holds up no other', async () => {
    const { service } = stage()
    const client = await newClient(service)
    const { tokens } = await client.newAccount()
    await service.consume()
    // A session id that is no UUID cannot have come from us; it stands for whatever PostgreSQL would refuse.
    await service.sql(
      `insert into events (id, tenant_id, type, subject, data)
       select gen_random_uuid(), tenant_id, 'session.ended', user_id,
         jsonb_build_object('session_id', case when n = 3 then 'broken' else id::text end, 'uncatalogued', n)
       from sessions, generate_series(1, 6) n where id = $1`,
      [tokens.session.id],
    )
    await service.consume()
    expect((await typesOf(client)).filter((type) => type === 'session.ended')).toHaveLength(5)
    const [left] = await service.sql(
      'select data from events where dispatched_at is null and tenant_id = $1',
      [client.tenant.id],
    )
    expect(left?.data).toEqual({ session_id: 'broken', uncatalogued: 3 })
    const kept = (await stage().audited(client.tenant)).filter(({ type }) => type === 'session.ended')
    for (const { data } of kept)
      expect(data, 'nothing that the catalogue does not name').toEqual({ session_id: tokens.session.id })
    await service.sql('delete from events where dispatched_at is null')
    await expectIntact(client)
  })
})
