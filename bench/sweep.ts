/**
 * `node bench/sweep.ts [events]` — how long a theft notice is on its way to the mail provider while the events of an import,
 * a million unless told otherwise, wait too. The Worker of `npm run dev`, with its minute's cron and the local mailbox for a
 * provider, on a database of its own; the queue has lost everything. It reports and never fails for being slow. Takes five
 * minutes.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../dev/local-server.ts'
import { type Message, startMailbox } from '../dev/mailbox.ts'
import { startWorker } from '../dev/worker.ts'
import { type Stack, startStack } from './stack.ts'

const PILE = Number(process.argv[2] ?? 1_000_000)
const MINUTE_MS = 60_000
const MINUTES = 4
/** After a cron has begun: these events are too young for it, so they wait for the next one. */
const AFTER_MS = [1_000, 20_000, 40_000]

type Owner = { id: string; tenant_id: string; email: string }

/** An account for each event, as an import leaves them. @returns as many of them as are stolen from */
async function fill(client: pg.Client): Promise<Owner[]> {
  const { rows } = await client.query<Owner>(
    `with made as (
      insert into users (id, tenant_id, email, email_verified_at)
      select uuidv7(), (select id from tenants order by id limit 1), n || '@imported.example', now()
      from generate_series(1, $1::int) n returning id, tenant_id, email),
    recorded as (
      insert into events (id, tenant_id, type, subject, data, priority, created_at)
      select uuidv7(), tenant_id, 'user.imported', id, '{}', 2, now() - interval '10 minutes' from made)
    select id, tenant_id, email from made limit $2`,
    [PILE, AFTER_MS.length],
  )
  await client.query('vacuum analyze')
  return rows
}

/** @returns when it was recorded, by this machine's clock, which is the mailbox's too */
async function recordTheft(client: pg.Client, { id, tenant_id }: Owner): Promise<number> {
  const { rows } = await client.query<{ at: Date }>(
    `insert into events (id, tenant_id, type, subject, data, priority)
     values (uuidv7(), $1, 'session.reuse_detected', $2, jsonb_build_object('session_id', $3::text), 0)
     returning clock_timestamp() as at`,
    [tenant_id, id, randomUUID()],
  )
  return rows[0]?.at.getTime() ?? Number.NaN
}

/** When the provider took the mail to this owner; undefined when it has none. */
async function mailedAt(endpoint: string, { email }: Owner): Promise<number | undefined> {
  const answer = await fetch(`${endpoint}?to=${encodeURIComponent(email)}`)
  const { data } = (await answer.json()) as { data: Message[] } // our own mailbox
  const [message] = data
  return message && Date.parse(message.created_at)
}

async function measure(stack: Stack, client: pg.Client): Promise<void> {
  const mailbox = await startMailbox()
  const port = await freePort()
  const { ENVIRONMENT: _, ...bindings } = stack.bindingsFor(stack.ports)
  const mail = { MAIL_TRANSPORT: 'mailbox', MAIL_FROM: 'no-reply@example.com', MAIL_URL: mailbox.endpoint }
  const vars = { ...bindings, ...mail }
  const worker = await startWorker({ port, folder: stack.folder, isQuiet: true, secrets: bindings, vars })
  const running: Promise<unknown>[] = []
  const cron = `http://127.0.0.1:${port}/cdn-cgi/local/scheduled?cron=${encodeURIComponent('* * * * *')}`
  const minute = () => {
    running.push(fetch(cron).then((answer) => answer.text()))
  }
  try {
    const owners = await fill(client)
    const startedAt = Date.now()
    minute()
    const timer = setInterval(minute, MINUTE_MS)
    const recorded: number[] = []
    for (const [index, owner] of owners.entries()) {
      await wait(startedAt + (AFTER_MS[index] ?? 0) - Date.now())
      recorded.push(await recordTheft(client, owner))
    }
    await wait(startedAt + (MINUTES - 1) * MINUTE_MS + 1000 - Date.now())
    clearInterval(timer)
    await Promise.all(running)
    for (const [index, owner] of owners.entries()) {
      const at = await mailedAt(mailbox.endpoint, owner)
      const seconds = ((at ?? Number.NaN) - (recorded[index] ?? Number.NaN)) / 1000
      console.log(
        `recorded ${(AFTER_MS[index] ?? 0) / 1000} s after a cron began, with ${PILE} events that wait: ` +
          `${at === undefined ? 'no mail' : `at the provider after ${seconds.toFixed(1)} s`} (target < 120)`,
      )
    }
    const { rows } = await client.query<{ done: number }>(
      `select count(dispatched_at)::int as done from events where type = 'user.imported'`,
    )
    console.log(`${MINUTES} crons handed on ${rows[0]?.done} of the others`)
  } finally {
    await Promise.allSettled(running)
    await worker.stop()
    await mailbox.stop()
  }
}

const stack = await startStack()
const client = new pg.Client(stack.databaseUrl)
try {
  await client.connect()
  await measure(stack, client)
} finally {
  await client.end()
  await stack.stop()
}
