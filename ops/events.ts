/**
 * `DATABASE_URL=… npm run events` lists the events that were parked: a sink could not take them, and the log said
 * `ALARM: event parked`. `npm run events -- replay <event id>…`, or `replay --all`, has the next sweep try them again;
 * a sink passes over what it has.
 */
import { findParked, type Parked, unpark } from '../src/events/refusal-store.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'

const PAGE = 500

/** Oldest first, a page at a time. */
export async function* parkedEvents(ctx: Pick<OperatorContext, 'db'>): AsyncGenerator<Parked[]> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const page = await findParked(ctx, after, PAGE)
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (!last || page.length < PAGE) return
    after = last.id
  }
}

/** @param ids those alone, or all that are parked. @returns how many will be tried again */
export async function replayEvents(
  ctx: Pick<OperatorContext, 'db'>,
  ids: readonly string[] | 'all',
): Promise<number> {
  if (ids !== 'all') return unpark(ctx, ids)
  let replayed = 0
  for await (const page of parkedEvents(ctx))
    replayed += await unpark(
      ctx,
      page.map(({ id }) => id),
    )
  return replayed
}

async function list(ctx: OperatorContext): Promise<void> {
  let parked = 0
  for await (const page of parkedEvents(ctx)) {
    for (const { id, tenantId, type, sink, refusals } of page)
      console.log(`${id} ${type} of tenant ${tenantId}: ${sink} failed to process it ${refusals} times`)
    parked += page.length
  }
  console.log(
    parked === 0
      ? 'no events are parked'
      : `${parked} parked; next: npm run events -- replay <event id>… | --all`,
  )
}

if (import.meta.main) {
  await run(async () => {
    const [command, ...ids] = process.argv.slice(2)
    const ctx = createOperatorContext(process.env, ['DATABASE_URL'])
    if (command === undefined) await list(ctx)
    else if (command === 'replay' && ids.length > 0) {
      const replayed = await replayEvents(ctx, ids.includes('--all') ? 'all' : ids)
      console.log(`${replayed} events will be retried within a minute`)
    } else throw new Error('npm run events | npm run events -- replay <event id>… | --all')
  })
}
