/**
 * Removes what nothing needs any more, in batches that lock little and end soon. Each is one statement that decides by
 * the database's clock and passes over rows that somebody else holds, so any number of runs may overlap.
 */
import type { JobContext } from '../context.ts'
import { Fault, faultOf } from '../problem.ts'
import { endOfRun, reportBacklog } from './run.ts'
import { deleteOutlived, OUTLIVED_KINDS, type OutlivedKind } from './store.ts'

const BATCH = 5000

/** One line with what went of each kind. A kind that fails, or has more than fits, holds up no other. */
export async function cleanUp(ctx: JobContext): Promise<void> {
  const deleted: Partial<Record<OutlivedKind, number>> = {}
  const failed: OutlivedKind[] = []
  const endsAt = endOfRun(ctx)
  let unfinished: readonly OutlivedKind[] = OUTLIVED_KINDS
  do {
    const more: OutlivedKind[] = []
    for (const [index, kind] of unfinished.entries()) {
      try {
        // An equal share of what is left: a kind with little leaves its own to those behind it, and to the next round.
        const now = ctx.now().getTime()
        const until = now + (endsAt - now) / (unfinished.length - index)
        const { count, isFinished } = await cleanUpKind(ctx, kind, until)
        deleted[kind] = (deleted[kind] ?? 0) + count
        if (!isFinished) more.push(kind)
      } catch (error) {
        ctx.log('error', 'clean-up failed', { kind, cause: faultOf(error).message })
        failed.push(kind)
      }
    }
    unfinished = more
  } while (unfinished.length > 0 && ctx.now().getTime() < endsAt)
  ctx.log(unfinished.length > 0 ? 'warn' : 'info', 'cleaned up', {
    ...deleted,
    unfinished: unfinished.join(' ') || undefined,
  })
  const finished = OUTLIVED_KINDS.filter((kind) => !unfinished.includes(kind) && !failed.includes(kind))
  await reportBacklog(ctx, { finished, unfinished })
  if (failed.length > 0) throw new Fault('internal_error', `not cleaned up: ${failed.join(' ')}`)
}

/** At least one batch, also when the time is over: a slow kind before it must not keep this one from ever starting. */
async function cleanUpKind(ctx: JobContext, kind: OutlivedKind, until: number) {
  let count = 0
  do {
    const deleted = await deleteOutlived(ctx, kind, BATCH)
    count += deleted
    if (deleted < BATCH) return { count, isFinished: true }
  } while (ctx.now().getTime() < until)
  return { count, isFinished: false }
}
