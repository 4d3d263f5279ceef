/** Equal intervals of time, for a statement that counts in each of them. */
import { type SQL, sql } from 'drizzle-orm'

/** From `from` on, in ISO text: `steps` intervals of `seconds` each. */
export type Window = { from: string; seconds: number; steps: number }

/** A member of a `with`: `bins`, each with its `step` from 0, when it begins, and when it ends. */
export const binsOf = ({ from, seconds, steps }: Window): SQL => sql`
  bins as (
    select step, ${from}::timestamptz + make_interval(secs => step * ${seconds}::int) as begins,
      ${from}::timestamptz + make_interval(secs => (step + 1) * ${seconds}::int) as ends
    from generate_series(0, ${steps}::int - 1) as step)`
