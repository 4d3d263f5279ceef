/**
 * How fast one tenant's chain grows with few and many consumers, and what a sign-in notices of an audit log that is slow: nothing, if all is well. The Worker runs as in `npm run dev`,
 * with its queue and its consumer in the same process; sign-ins while the log answers at once and while each of its
 * answers takes five seconds alternate, in one run.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { EVERY_MINUTE, fireCron } from '../dev/crons.ts'
import { freePort } from '../dev/local-server.ts'
import { startWorker } from '../dev/worker.ts'
import { verifyChains } from '../ops/audit.ts'
import { createOperatorContext } from '../ops/context.ts'
import { auditSink } from '../src/audit/audit.ts'
import type { JobContext } from '../src/context.ts'
import type { Happened } from '../src/events/catalogue.ts'
import { createSender } from './client.ts'
import { quantile } from './measure.ts'
import { prepareLogin } from './operations.ts'
import { startProxy } from './proxy.ts'
import { type Stack, startStack } from './stack.ts'

export type SlowAudit = {
  healthyMs: number
  slowMs: number
  /** Events that the outbox recorded and the audit log has, once everything has been delivered. */
  recorded: number
  audited: number
  /** Rows of the audit log that are there twice. */
  twice: number
}

const SLOW_MS = 5000
const ROUNDS = 6
const SIGN_INS = 15

export async function measureSlowAudit(stack: Stack): Promise<SlowAudit> {
  const begunAt = new Date()
  const audit = await startProxy(stack.ports.neon)
  const { ENVIRONMENT: _, ...bindings } = stack.bindingsFor(stack.ports)
  const port = await freePort()
  const worker = await startWorker({
    port,
    folder: stack.folder,
    isQuiet: true,
    secrets: bindings,
    vars: {
      ...bindings,
      AUDIT_DATABASE_URL: (bindings.DATABASE_URL ?? '').replace(`:${stack.ports.neon}/`, `:${audit.port}/`),
    },
  })
  const { send, close } = createSender(port)
  try {
    const login = await prepareLogin(send)
    for (let done = 0; done < SIGN_INS; done++) await login()
    const times = { healthy: [] as number[], slow: [] as number[] }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [kind, delay] of [
        ['healthy', 0],
        ['slow', SLOW_MS],
      ] as const) {
        audit.setDelay(delay)
        for (let done = 0; done < SIGN_INS; done++) times[kind].push(await timed(login))
      }
    }
    audit.setDelay(0)
    return {
      healthyMs: quantile(times.healthy, 0.5),
      slowMs: quantile(times.slow, 0.5),
      ...(await countDelivered(stack, port, begunAt)),
    }
  } finally {
    close()
    await worker.stop()
    await audit.stop()
  }
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await call()
  return performance.now() - startedAt
}

const SWEEP_EVERY_MS = 15_000

/**
 * Waits until nothing that happened `since` is left to deliver, for at most two minutes: a retry comes after half a minute,
 * and what is rarely recorded waits for the sweep, whose cron nothing but this fires here.
 */
async function countDelivered({ databaseUrl }: Stack, port: number, since: Date) {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    for (let waited = 0; ; waited += 500) {
      const {
        rows: [counts],
      } = await client.query<{ waiting: number; recorded: number; audited: number; twice: number }>(
        `
        with since as (select * from events where created_at >= $1)
        select (select count(*)::int from since where dispatched_at is null) as waiting,
          (select count(*)::int from since) as recorded,
          (select count(distinct audit_events.id)::int from audit_events join since using (id)) as audited,
          (select count(*)::int from (select id from audit_events group by id having count(*) > 1) as twice) as twice`,
        [since],
      )
      if (counts && (counts.waiting === 0 || waited > 120_000)) return counts
      if (waited % SWEEP_EVERY_MS === 0)
        await fireCron(port, EVERY_MINUTE, AbortSignal.timeout(SWEEP_EVERY_MS))
      await wait(500)
    }
  } finally {
    await client.end()
  }
}

export type ChainSpeed = {
  consumers: number
  batch: number
  events: number
  perSecond: number
  problems: string[]
}

const CHAIN_DELAY_MS = 20

/**
 * Events of one tenant's chain a second, with 20 ms added to every trip: consumers side by side, each with batches of its
 * own. Only the audit log is written: what a batch costs the other sinks does not wait for a chain.
 */
export async function measureChain(stack: Stack, consumers: number, batch: number): Promise<ChainSpeed> {
  const proxy = await startProxy(stack.ports.neon)
  const client = new pg.Client(stack.databaseUrl)
  await client.connect()
  try {
    const ports = { neon: proxy.port, upstash: stack.ports.upstash }
    const operator = createOperatorContext(stack.bindingsFor(ports), ['DATABASE_URL', 'AUTH_KEYS'])
    const ctx = { ...operator, log: () => {} } as unknown as JobContext // all that the audit log uses of one
    const happened = await prepareEvents(client, Math.max(2000, consumers * batch * 2))
    const turns = Array.from({ length: Math.ceil(happened.length / batch) }, (_, turn) =>
      happened.slice(turn * batch, turn * batch + batch),
    )
    proxy.setDelay(CHAIN_DELAY_MS)
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: consumers }, async () => {
        for (let next = turns.shift(); next; next = turns.shift()) await auditSink.take(ctx, next)
      }),
    )
    const seconds = (performance.now() - startedAt) / 1000
    proxy.setDelay(0)
    const tenantId = happened[0]?.tenantId ?? ''
    const [chain] = await verifyChains(operator, tenantId)
    const problems = [...(chain?.problems ?? ['no chain'])]
    if (chain?.rows !== happened.length) problems.push(`${chain?.rows} rows of ${happened.length} events`)
    return { consumers, batch, events: happened.length, perSecond: happened.length / seconds, problems }
  } finally {
    await client.end()
    await proxy.stop()
  }
}

/** Of a tenant of its own and a hundred of its accounts, as the outbox would have them. */
async function prepareEvents(client: pg.Client, count: number): Promise<Happened[]> {
  const tenantId = randomUUID()
  await client.query(`insert into tenants (id, slug, name, issuer) values ($1, $2, 'Bench', $3)`, [
    tenantId,
    `bench-${tenantId}`,
    `https://${tenantId}.example`,
  ])
  const { rows } = await client.query<{ id: string }>(
    `insert into users (id, tenant_id, email) select gen_random_uuid(), $1::uuid, 'bench' || n || '@' || $1::text
     from generate_series(1, 100) n returning id`,
    [tenantId],
  )
  const now = Date.now()
  return Array.from({ length: count }, (_, index) => ({
    id: randomUUID(),
    tenantId,
    type: 'session.ended',
    subject: rows[index % rows.length]?.id ?? null,
    actor: null,
    data: { session_id: randomUUID() },
    client: {
      request_id: randomUUID(),
      address: '192.0.2.0/24',
      country: 'NL',
      city: 'Utrecht',
      network: 'Example Networks',
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
    },
    occurredAt: new Date(now + index),
  }))
}

/** The bar of issue 11, line 13: at least 1,000 events a second, whichever of these. */
export async function measureChains(stack: Stack): Promise<ChainSpeed[]> {
  const measured: ChainSpeed[] = []
  for (const [consumers, batch] of [
    [1, 100],
    [10, 100],
    [50, 100],
    [10, 10],
    [50, 10],
  ] as const)
    measured.push(await measureChain(stack, consumers, batch))
  return measured
}

export function reportChains(speeds: readonly ChainSpeed[]): void {
  for (const { consumers, batch, events, perSecond, problems } of speeds)
    console.log(
      `one tenant's audit chain, 20 ms added to every trip, ${consumers} consumers of ${batch} events at a time: ` +
        `${perSecond.toFixed(0)} events a second (target >= 1000); ${events} events, ${problems.join('; ') || 'none lost, none twice, chain intact'}`,
    )
}

// `node bench/audit.ts` measures the chains alone.
if (import.meta.main) {
  const stack = await startStack()
  try {
    reportChains(await measureChains(stack))
  } finally {
    await stack.stop()
  }
}
