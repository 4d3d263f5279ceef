/**
 * Removes what nothing needs any more, in batches that lock little and end soon. Each is one statement that decides by
 * the database's clock and passes over rows that somebody else holds, so any number of runs may overlap.
 */
import type { JobContext } from '../context.ts'
import { Fault, faultOf } from '../problem.ts'
import { deleteOutlived, OUTLIVED_KINDS, type OutlivedKind } from './store.ts'

const BATCH = 1000
/** Of each kind; what is left then is the next hour's. */
const MAX_BATCHES = 200

/** One line with what went of each kind. A kind that fails holds up no other. */
export async function cleanUp(ctx: JobContext): Promise<void> {
  const deleted: Partial<Record<OutlivedKind, number>> = {}
  const unfinished: OutlivedKind[] = []
  const failed: OutlivedKind[] = []
  for (const kind of OUTLIVED_KINDS) {
    try {
      const { count, isFinished } = await cleanUpKind(ctx, kind)
      deleted[kind] = count
      if (!isFinished) unfinished.push(kind)
    } catch (error) {
      ctx.log('error', 'clean-up failed', { kind, cause: faultOf(error).message })
      failed.push(kind)
    }
  }
  ctx.log(unfinished.length > 0 ? 'warn' : 'info', 'cleaned up', {
    ...deleted,
    unfinished: unfinished.join(' ') || undefined,
  })
  if (failed.length > 0) throw new Fault('internal_error', `not cleaned up: ${failed.join(' ')}`)
}

async function cleanUpKind(ctx: JobContext, kind: OutlivedKind) {
  let count = 0
  for (let round = 0; round < MAX_BATCHES; round++) {
    const deleted = await deleteOutlived(ctx, kind, BATCH)
    count += deleted
    if (deleted < BATCH) return { count, isFinished: true }
  }
  return { count, isFinished: false }
}
