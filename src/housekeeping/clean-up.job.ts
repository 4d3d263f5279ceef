/**
 * Removes what nothing needs any more, in batches that lock little and end soon. Each is one statement that decides by
 * the database's clock and skips locked rows, so any number of runs may overlap.
 */
import type { JobContext } from '../context.ts'
import { OUTLIVED } from '../personal-data.ts'
import { Fault, faultOf } from '../problem.ts'
import { endOfRun, reportBacklog } from './run.ts'
import { deleteOutlived } from './store.ts'

const BATCH = 5000

type Rows = (typeof OUTLIVED)[number]

const kindsOf = (all: readonly Rows[]) => all.map(({ kind }) => kind)

/** One line with what went of each kind. A kind that fails, or has more than fits, holds up no other. */
export async function cleanUp(ctx: JobContext): Promise<void> {
  const deleted: Record<string, number> = {}
  const failed: string[] = []
  const endsAt = endOfRun(ctx)
  let unfinished = OUTLIVED
  do {
    const more: Rows[] = []
    for (const [index, rows] of unfinished.entries()) {
      const { kind } = rows
      try {
        // An equal share of what is left: a kind with little leaves its own to those behind it, and to the next round.
        const now = ctx.now().getTime()
        const until = now + (endsAt - now) / (unfinished.length - index)
        const { count, isFinished } = await cleanUpKind(ctx, rows, until)
        deleted[kind] = (deleted[kind] ?? 0) + count
        if (!isFinished) more.push(rows)
      } catch (error) {
        ctx.log('error', 'clean-up failed', { kind, cause: faultOf(error).message })
        failed.push(kind)
      }
    }
    unfinished = more
  } while (unfinished.length > 0 && ctx.now().getTime() < endsAt)
  ctx.log(unfinished.length > 0 ? 'warn' : 'info', 'cleaned up', {
    ...deleted,
    unfinished: kindsOf(unfinished).join(' ') || undefined,
  })
  const finished = OUTLIVED.filter((rows) => !unfinished.includes(rows) && !failed.includes(rows.kind))
  await reportBacklog(ctx, { finished: kindsOf(finished), unfinished: kindsOf(unfinished) })
  if (failed.length > 0) throw new Fault('internal_error', `not cleaned up: ${failed.join(' ')}`)
}

/** At least one batch, also when the time is over: a slow kind before it must not keep this one from ever starting. */
async function cleanUpKind(ctx: JobContext, rows: Rows, until: number) {
  let count = 0
  do {
    const deleted = await deleteOutlived(ctx, rows, BATCH)
    count += deleted
    if (deleted < BATCH) return { count, isFinished: true }
  } while (ctx.now().getTime() < until)
  return { count, isFinished: false }
}
