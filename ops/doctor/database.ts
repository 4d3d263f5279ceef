/** PostgreSQL: whether it answers, its clock, its schema, and where the audit log is. */
import { sql } from 'drizzle-orm'
import { rowsOf, Time } from '../../src/storage/rows.ts'
import { findPending } from '../migrate.ts'
import { type Check, measureTrips, ok, warning, wrong } from './finding.ts'

/** Tokens are checked with 60 s of tolerance in most libraries; what is further off is refused somewhere. */
const MAX_SKEW_SECONDS = 5

export const databaseChecks: Check[] = [
  {
    part: 'Neon',
    needs: ['DATABASE_URL'],
    look: async ({ db, now }) => {
      const median = await measureTrips(() => db.execute(sql`select 1`))
      const before = now().getTime()
      const [clock] = await rowsOf(db, { at: Time })(sql`select clock_timestamp() as at`)
      const middle = (before + now().getTime()) / 2
      const skew = Math.round(((clock?.at.getTime() ?? middle) - middle) / 1000)
      return [
        ok(
          `a trip takes ${median} ms from here; from a Worker it should be a few: set placement.region next to it`,
        ),
        Math.abs(skew) <= MAX_SKEW_SECONDS
          ? ok('its clock is that of this machine')
          : warning(
              `its clock is ${skew} s from that of this machine`,
              'set the clock of this machine, e.g. by NTP',
            ),
      ]
    },
  },
  {
    part: 'schema',
    needs: ['DATABASE_URL'],
    look: async (ctx) => {
      const pending = await findPending(ctx)
      if (pending.length === 0) return [ok('it is that of this release')]
      return [
        wrong(`${pending.length} migrations are not applied: ${pending.join(', ')}`, 'run npm run migrate'),
      ]
    },
  },
]
