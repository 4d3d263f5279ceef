/** The sweep of every minute: what cannot be handed on, or cannot be now, holds up nothing else, and nothing is lost. */
import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { parkedEvents, replayEvents } from '../../ops/events.ts'
import { importUsers } from '../../ops/import.ts'
import type { Parked } from '../../src/events/refusal-store.ts'
import { findLeftOver } from '../../src/events/store.ts'
import { newClient, newEmail, race } from '../support/client.ts'
import { ageOutbox } from '../support/event-stage.ts'
import {
  mailsOf,
  newPerson,
  nextMinute,
  type Person,
  record,
  reuse,
  useMailStage,
} from '../support/mail-stage.ts'

const stage = useMailStage()
const sql = (text: string, values?: unknown[]) => stage().service.sql(text, values)

let tests = 0

/** Hundreds of events, each tried alone, take a while on a machine that others use. */
const SLOW_MS = 120_000

/** No test finds what another has left: a sweep takes whatever waits. */
beforeEach(async () => {
  tests += 1
  await sql('delete from events where dispatched_at is null')
  await sql('delete from mails')
})

/** An id that sorts before whatever was recorded since: the oldest of all. */
const oldId = (n: string) =>
  `('00000000-${String(tests).padStart(4, '0')}-7000-8000-' || lpad((${n})::text, 12, '0'))::uuid`

/** Events that the audit log refuses, older than every other and as urgent as a theft. */
const addPoison = ({ client, id }: Person, count: number) =>
  sql(
    `insert into events (id, tenant_id, type, subject, data, priority, created_at)
     select ${oldId('n')}, $1, 'session.revoked', $2, '{"by_session":"no session"}', 0, now() - interval '1 hour'
     from generate_series(1, ${count}) n`,
    [client.tenant.id, id],
  )

const addBulk = ({ client, id }: Person, count: number) =>
  sql(
    `insert into events (id, tenant_id, type, subject, data, priority, created_at)
     select ${oldId('n + 100000')}, $1, 'user.imported', $2, '{}', 2, now() - interval '1 hour'
     from generate_series(1, ${count}) n`,
    [client.tenant.id, id],
  )

/** A theft notice, as urgent as `recordEvent` makes one. */
async function theft(person: Person): Promise<string> {
  const id = await reuse(stage(), person)
  await sql('update events set priority = 0 where id = $1', [id])
  return id
}

const stateOf = async (eventId: string) => (await mailsOf(stage(), eventId))[0]?.state
const alarms = (what: string) =>
  stage()
    .service.logs()
    .filter((line) => line.includes(`ALARM: ${what}`))
const notTaken = () =>
  stage()
    .service.logs()
    .filter((line) => line.includes('"events not delivered to a sink"')).length
const retryNow = () => sql('update events set retry_at = null where retry_at is not null')
const waiting = async () => (await sql('select id from events where dispatched_at is null')).length

describe('piles 11: events that cannot be handed on', () => {
  test(
    'do not stop the sweep: a theft notice behind 220 of them is mailed',
    async () => {
      const person = await newPerson(stage())
      await addPoison(person, 220)
      const notice = await theft(person)
      await ageOutbox(stage().service)
      await nextMinute(stage())
      expect(await stateOf(notice)).toBe('sent')
      expect(await waiting()).toBe(220)
    },
    SLOW_MS,
  )

  test('are tried later each time, counted once a try, and parked with an alarm that says what to do', async () => {
    const person = await newPerson(stage())
    await addPoison(person, 2)
    const [first] = await sql('select id from events where dispatched_at is null order by id')
    const id = String(first?.id)
    await race(5, () => stage().service.runCron('* * * * *')) // the second run counts nothing
    const tried = notTaken()
    await nextMinute(stage())
    expect(notTaken(), 'it is not its time yet').toBe(tried)
    const [refused] = await sql(
      'select refusals, refused_by, retry_at > now() as waits from events where id = $1',
      [id],
    )
    expect(refused).toEqual({ refusals: 1, refused_by: 'audit', waits: true })
    expect(alarms('event parked')).toEqual([])
    for (let tries = 2; tries <= 8; tries++) {
      await retryNow()
      await nextMinute(stage())
    }
    expect(alarms('event parked')).toHaveLength(2)
    for (const part of [id, 'session.revoked', 'audit', `npm run events -- replay ${id}`])
      expect(alarms('event parked').join()).toContain(part)
    await retryNow()
    await nextMinute(stage())
    expect(await sql('select refusals from events where parked_at is not null')).toEqual([
      { refusals: 8 },
      { refusals: 8 },
    ])
  })

  test('can be replayed once what was wrong is put right', async () => {
    const person = await newPerson(stage())
    await addPoison(person, 3)
    await sql(
      `update events set parked_at = now(), refusals = 8, refused_by = 'audit', data = '{}' where dispatched_at is null`,
    )
    const { operator } = stage().service
    const parked: Parked[] = []
    for await (const page of parkedEvents(operator)) parked.push(...page)
    expect(parked.map(({ sink, type }) => `${type} ${sink}`)).toEqual(Array(3).fill('session.revoked audit'))
    await nextMinute(stage())
    await stage().service.consume() // a late message of the queue
    expect(await waiting(), 'parked is not tried').toBe(3)
    const refused = await record(stage(), person, 'session.ended')
    await sql(`update events set refusals = 7, retry_at = now() + interval '1 hour' where id = $1`, [refused])
    expect(await replayEvents(operator, [parked[0]?.id ?? '', refused, randomUUID()])).toBe(1)
    expect(await sql('select 1 from events where id = $1 and refusals = 7', [refused])).toHaveLength(1)
    await sql('delete from events where id = $1', [refused])
    expect(await replayEvents(operator, 'all')).toBe(2)
    await nextMinute(stage())
    expect(await waiting()).toBe(0)
    expect(await sql('select 1 from audit_events where id = $1', [parked[0]?.id])).toHaveLength(1)
  })

  test('are not given to the queue again: the sweep counts from there on', async () => {
    const person = await newPerson(stage())
    await addPoison(person, 1)
    const { explicitAcks, retryMessages } = await stage().service.consume()
    expect([explicitAcks.length, retryMessages.length]).toEqual([1, 0])
    expect(await sql('select refusals from events where dispatched_at is null')).toEqual([{ refusals: 1 }])
  })
})

describe('piles 11: the urgent before the bulk', () => {
  test('a theft notice goes before an import, and one sweep takes more than 4,000', async () => {
    const person = await newPerson(stage())
    await addBulk(person, 4200)
    // More urgent ones than a page, whose ids come after those of the import: the next page begins with the import's first.
    await sql(
      `insert into events (id, tenant_id, type, subject, data, priority)
       select ('ffffffff' || substr(gen_random_uuid()::text, 9))::uuid, $1, 'session.started', $2, '{}', 0
       from generate_series(1, 600)`,
      [person.client.tenant.id, person.id],
    )
    const notice = await theft(person)
    await ageOutbox(stage().service)
    await nextMinute(stage())
    expect(await stateOf(notice)).toBe('sent')
    const [order] = await sql(
      `select (max(sequence) filter (where type = 'user.imported') - max(sequence) filter (where id = $2))::int as behind
       from audit_events where tenant_id = $1`,
      [person.client.tenant.id, notice],
    )
    // All but those of its own page, which is one batch.
    expect(Number(order?.behind)).toBeGreaterThan(3600)
    const [left] = await sql(`select count(*)::int as left from events where dispatched_at is null`)
    expect(Number(left?.left)).toBeLessThan(200)
  })

  test('is how events are recorded: by a request, and by an import', async () => {
    const client = await newClient(stage().service)
    await client.signUp()
    const lines = new TextEncoder().encode(`${JSON.stringify({ email: newEmail() })}\n`)
    const chunks = (async function* () {
      yield lines
    })()
    await importUsers(
      stage().service.operator,
      { tenantId: client.tenant.id, rpId: 'localhost', firebase: null },
      chunks,
      () => {},
    )
    expect(
      await sql('select type, priority from events where tenant_id = $1 order by type', [client.tenant.id]),
    ).toEqual([
      { type: 'session.started', priority: 0 },
      { type: 'user.imported', priority: 2 },
      { type: 'user.registered', priority: 1 },
    ])
  })

  test('is one read of an index, however much waits', async () => {
    const person = await newPerson(stage())
    await addBulk(person, 30_000)
    await sql('analyze events')
    const after = { priority: 0, id: randomUUID() }
    const query = findLeftOver(stage().service.operator, { after, olderThanSeconds: 45, limit: 500 }).toSQL()
    const [plan] = await sql(`explain (format json) ${query.sql}`, query.params)
    const text = JSON.stringify(plan)
    expect(text).toContain('"Index Name":"events_pending"')
    expect(text).toContain('"Index Cond"')
    expect(text).not.toMatch(/Seq Scan|"Sort"/)
  })
})

describe('piles 11: a sink that is down', () => {
  test('keeps the others from nothing urgent: behind 600 that wait for the audit log, a theft notice is mailed', async () => {
    const { service } = stage()
    const person = await newPerson(stage())
    await sql(
      `insert into events (id, tenant_id, type, subject, data, priority, created_at)
       select ${oldId('n')}, $1, 'session.started', $2, '{}', 0, now() - interval '1 hour' from generate_series(1, 600) n`,
      [person.client.tenant.id, person.id],
    )
    const notice = await theft(person)
    await ageOutbox(service)
    service.gates.audit.set('refusing')
    await nextMinute(stage())
    expect(await stateOf(notice)).toBe('sent')
    expect(await waiting(), 'nothing is settled that the audit log lacks').toBe(601)
    expect(await sql('select 1 from events where refusals > 0 and dispatched_at is null')).toEqual([])
    service.gates.audit.set('open')
    await nextMinute(stage())
    expect(await waiting()).toBe(0)
  })
})

describe('piles 11: the same in the mails that are due', () => {
  test('one whose event names no token that could be one keeps no other from being sent', async () => {
    const person = await newPerson(stage())
    const broken = await record(stage(), person, 'email.verification_requested', {
      subject: person.id,
      data: { token_id: 'no token' },
    })
    await sql(
      `insert into mails (event_id, user_id, tenant_id, template, next_attempt_at)
       values ($1, $2, $3, 'verify_email', now() - interval '1 hour')`,
      [broken, person.id, person.client.tenant.id],
    )
    const notice = await theft(person)
    await ageOutbox(stage().service)
    await nextMinute(stage())
    expect(await stateOf(broken)).toBe('dropped')
    expect(await stateOf(notice)).toBe('sent')
  })
})

describe('piles 11: the same in the spilled list', () => {
  const attempt = (host: string, operation: string) => ({
    attempt: {
      id: randomUUID(),
      host,
      type: 'session.refused',
      subject: null,
      actor: null,
      data: { operation, code: 'invalid_credentials' },
      client: { request_id: null, address: null, country: null, city: null, network: null, user_agent: null },
      occurred_at: new Date().toISOString(),
    },
  })
  /** PostgreSQL keeps no NUL, so the audit log refuses this. */
  const POISON = 'POST \u0000'

  test(
    'what cannot be handed on eight times is given up, with an alarm and all that may be said of it',
    async () => {
      const { service } = stage()
      const { tenant } = await newClient(service)
      const mine = Array.from({ length: 2 }, () => attempt(tenant.host, POISON))
      await service.queue('latchkey-events-dead', mine)
      const saidOf = (what: string) =>
        service
          .logs()
          .filter((line) => line.includes(what) && mine.some(({ attempt: { id } }) => line.includes(id)))
      for (let tries = 1; tries <= 7; tries++) await nextMinute(stage())
      expect(saidOf('ALARM: attempt event dropped after repeated failures')).toEqual([])
      await nextMinute(stage())
      expect(saidOf('ALARM: attempt event dropped after repeated failures')).toHaveLength(2)
      expect(saidOf('event lost')).toHaveLength(2)
    },
    SLOW_MS,
  )

  test(
    'one attempt behind 210 that cannot be handed on is handed on',
    async () => {
      const { service } = stage()
      const { tenant } = await newClient(service)
      const bodies = [
        ...Array.from({ length: 210 }, () => attempt(tenant.host, POISON)),
        attempt(tenant.host, 'POST /v1/login'),
      ]
      await service.queue('latchkey-events-dead', bodies)
      await nextMinute(stage())
      expect(await sql('select type from audit_events where tenant_id = $1', [tenant.id])).toEqual([
        { type: 'session.refused' },
      ])
    },
    SLOW_MS,
  )
})
