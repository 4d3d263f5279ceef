/** What is waiting: events, deliveries, clean-up, and attempts that had to go to Redis. */
import { sql } from 'drizzle-orm'
import * as v from 'valibot'
import { pingRedis } from '../../src/health/store.ts'
import { REDIS_KEYS } from '../../src/storage/redis.ts'
import { rowsOf } from '../../src/storage/rows.ts'
import { type Check, type Finding, measureTrips, ok, warning, wrong } from './finding.ts'

/** The sweep runs every minute. What is older than this shows that it does not run, or cannot keep up. */
const LATE_SECONDS = 300
/** Large queues are not counted to their end. */
const COUNTED = 10_000

const many = (count: number, of: string) => `${count === COUNTED ? `${COUNTED} or more` : count} ${of}`

export const workChecks: Check[] = [
  {
    part: 'events',
    needs: ['DATABASE_URL'],
    look: async ({ db }) => {
      const [row] = await rowsOf(db, {
        pending: v.number(),
        oldestSeconds: v.nullable(v.number()),
        parked: v.number(),
      })(sql`
        with pending as (select created_at from events where dispatched_at is null and parked_at is null
          order by priority, id limit ${COUNTED})
        select (select count(*)::int from pending) as pending,
          (select extract(epoch from now() - min(created_at))::int from pending) as oldest_seconds,
          (select count(*)::int from (select from events where parked_at is not null and dispatched_at is null limit ${COUNTED}) as parked) as parked`)
      const { pending = 0, oldestSeconds = null, parked = 0 } = row ?? {}
      return [
        (oldestSeconds ?? 0) <= LATE_SECONDS
          ? ok(`${many(pending, 'wait')} to be handed on`)
          : wrong(
              `${many(pending, 'wait')} to be handed on, the oldest since ${oldestSeconds} s`,
              'look for ERROR and ALARM lines of the Worker jobs: its cron does not run, or a sink is down',
            ),
        ...(parked === 0 ? [] : [warning(`${many(parked, 'are parked')}`, 'run npm run events')]),
      ]
    },
  },
  {
    part: 'webhooks',
    needs: ['DATABASE_URL'],
    look: async ({ db }) => {
      const [row] = await rowsOf(db, { disabled: v.number(), late: v.number() })(sql`
        select (select count(*)::int from webhook_endpoints where state = 'disabled') as disabled,
          (select count(*)::int from (select from webhook_endpoints as endpoint where state = 'enabled' and exists (
            select from webhook_deliveries where endpoint_id = endpoint.id and state = 'pending'
              and next_attempt_at < now() - make_interval(secs => ${LATE_SECONDS})) limit ${COUNTED}) as late) as late`)
      const { disabled = 0, late = 0 } = row ?? {}
      return [
        late === 0
          ? ok('no delivery is late')
          : warning(
              `${many(late, 'endpoints have')} deliveries that are late`,
              'they answer slowly or not at all: GET /v1/webhooks/{id}/deliveries tells',
            ),
        ...(disabled === 0 ? [] : [ok(`${disabled} endpoints are disabled`)]),
      ]
    },
  },
  {
    part: 'clean-up',
    needs: ['DATABASE_URL'],
    look: async ({ db }) => {
      const unfinished = await rowsOf(db, { kind: v.string(), runs: v.number() })(sql`
        select kind, runs from backlogs where runs > 1 order by kind`)
      if (unfinished.length === 0) return [ok('it keeps up')]
      return unfinished.map(
        ({ kind, runs }): Finding =>
          wrong(`${kind} was unfinished ${runs} times running`, 'raise JOB_SECONDS, and cpu_ms with it'),
      )
    },
  },
  {
    part: 'Upstash',
    needs: ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'],
    look: async (ctx) => {
      const median = await measureTrips(() => pingRedis(ctx))
      const spilled = await ctx.redis.llen(REDIS_KEYS.spilledEvents).finally(() => ctx.trips.endAll('redis'))
      return [
        ok(`a trip takes ${median} ms from here`),
        spilled === 0
          ? ok('it holds no spilled attempts')
          : warning(
              `it holds ${spilled} attempts that the queue did not take`,
              'see whether the queue latchkey-events exists and has a consumer; the sweep hands them on',
            ),
      ]
    },
  },
]
