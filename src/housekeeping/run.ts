/**
 * What the hourly jobs have in common: how long one run may take, and the alarm for work that two runs in a row did not
 * finish. Such work grows from then on, and nothing else would tell before the disk does.
 */
import type { JobContext } from '../context.ts'
import { countBacklog, settleBacklog } from './backlog-store.ts'

/** When a run that begins now is over, in milliseconds. Looked at between two batches, so a run may end a batch later. */
export const endOfRun = ({ now, settings }: Pick<JobContext, 'now' | 'settings'>): number =>
  now().getTime() + settings.jobSeconds * 1000

/** Remembers which kinds of work this run finished and which it did not. One ALARM line for each that was unfinished before. */
export async function reportBacklog(
  ctx: Pick<JobContext, 'db' | 'log' | 'settings'>,
  { finished, unfinished }: { finished: readonly string[]; unfinished: readonly string[] },
): Promise<void> {
  await settleBacklog(ctx, finished)
  for (const { kind, runs, since } of await countBacklog(ctx, unfinished))
    ctx.log('error', 'ALARM: job backlog is growing', {
      kind,
      runs,
      since,
      job_seconds: ctx.settings.jobSeconds,
      cause: 'raise JOB_SECONDS, and cpu_ms with it (docs/settings.md)',
    })
}
