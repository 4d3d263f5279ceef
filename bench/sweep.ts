/**
 * `node bench/sweep.ts [events]` — how long a theft notice waits for the sweep while the events of an import, a million
 * unless told otherwise, wait too. Sweeps begin once a minute as in production, in this process, on a database of their
 * own; the queue has lost everything. It reports and never fails for being slow. Takes four minutes.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { auditSink } from '../src/audit/audit.ts'
import { createJobContext } from '../src/context.ts'
import { sweepEvents } from '../src/events/sweep.job.ts'
import { mailSink } from '../src/mailer/mail.ts'
import { webhookSink } from '../src/webhooks/fan-out.ts'
import { type Stack, startStack } from './stack.ts'

const PILE = Number(process.argv[2] ?? 1_000_000)
const MINUTE_MS = 60_000
/** What a sweep gives itself (src/events/sweep.job.ts). */
const SWEEPING_MS = 40_000
/** After a sweep has begun: these events are too young for it, so they wait for the next one. */
const AFTER_MS = [1_000, 20_000, 40_000]

/** An account for each event, as an import leaves them. */
async function fill(client: pg.Client): Promise<{ tenantId: string; userId: string }> {
  const { rows } = await client.query<{ id: string; tenant_id: string }>(`
    with made as (
      insert into users (id, tenant_id, email, email_verified_at)
      select uuidv7(), (select id from tenants order by id limit 1), n || '@imported.example', now()
      from generate_series(1, ${PILE}) n returning id, tenant_id),
    recorded as (
      insert into events (id, tenant_id, type, subject, data, priority, created_at)
      select uuidv7(), tenant_id, 'user.imported', id, '{}', 2, now() - interval '10 minutes' from made)
    select id, tenant_id from made limit 1`)
  await client.query('vacuum analyze')
  const [row] = rows
  if (!row) throw new Error('nothing was made')
  return { tenantId: row.tenant_id, userId: row.id }
}

async function measure(stack: Stack): Promise<void> {
  const client = new pg.Client(stack.databaseUrl)
  await client.connect()
  const running: Promise<unknown>[] = []
  const minute = () => {
    const job = createJobContext(stack.bindingsFor(stack.ports), ['DATABASE_URL', 'AUTH_KEYS'], {})
    running.push(sweepEvents(Object.assign(job, { log: () => {} }), [auditSink, mailSink, webhookSink]))
  }
  try {
    const { tenantId, userId } = await fill(client)
    const startedAt = Date.now()
    minute()
    const timer = setInterval(minute, MINUTE_MS)
    for (const after of AFTER_MS) {
      await wait(startedAt + after - Date.now())
      await client.query(
        `insert into events (id, tenant_id, type, subject, data, priority)
         values (uuidv7(), $1, 'session.reuse_detected', $2, jsonb_build_object('session_id', $3::text), 0)`,
        [tenantId, userId, randomUUID()],
      )
    }
    await wait(startedAt + 2 * MINUTE_MS + SWEEPING_MS - Date.now())
    clearInterval(timer)
    await Promise.all(running)
    const { rows: urgent } = await client.query<{ seconds: number | null; mails: number }>(`
      select extract(epoch from dispatched_at - created_at)::float8 as seconds,
        (select count(*)::int from mails where event_id = events.id) as mails
      from events where type = 'session.reuse_detected' order by id`)
    for (const [index, { seconds, mails }] of urgent.entries())
      console.log(
        `recorded ${(AFTER_MS[index] ?? 0) / 1000} s after a sweep began, with ${PILE} events that wait: ` +
          `${seconds === null ? 'not handed on' : `handed on after ${seconds.toFixed(1)} s`} (target < 120), ${mails} mail`,
      )
    const { rows: pile } = await client.query<{ done: number }>(
      `select count(dispatched_at)::int as done from events where type = 'user.imported'`,
    )
    console.log(`three sweeps of ${SWEEPING_MS / 1000} s handed on ${pile[0]?.done} of the others`)
  } finally {
    await Promise.allSettled(running)
    await client.end()
  }
}

const stack = await startStack()
try {
  await measure(stack)
} finally {
  await stack.stop()
}
