/**
 * What a sign-in notices of an audit log that is slow: nothing, if all is well. The Worker runs as in `npm run dev`,
 * with its queue and its consumer in the same process; sign-ins while the log answers at once and while each of its
 * answers takes five seconds alternate, in one run.
 */
import { setTimeout as wait } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from '../dev/local-server.ts'
import { startWorker } from '../dev/worker.ts'
import { createSender } from './client.ts'
import { quantile } from './measure.ts'
import { prepareLogin } from './operations.ts'
import { startProxy } from './proxy.ts'
import type { Stack } from './stack.ts'

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
      ...(await countDelivered(stack, begunAt)),
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

/** Waits until nothing that happened `since` is left to deliver, for at most two minutes: a retry comes after half a minute. */
async function countDelivered({ databaseUrl }: Stack, since: Date) {
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
      await wait(500)
    }
  } finally {
    await client.end()
  }
}
