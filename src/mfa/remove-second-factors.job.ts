/**
 * Carries out the removals of second factors that are due, and cancels those whose owners used one. It runs every minute, so that
 * an owner who cancelled one is told soon. Two runs at once do each removal once.
 */
import type { JobContext } from '../context.ts'
import { findDecided, settleRemoval } from './removal-store.ts'

/** In one run; the next minute goes on. */
const BATCH = 50

export async function removeSecondFactorsDue(ctx: JobContext): Promise<void> {
  const decided = await findDecided(ctx, BATCH)
  let settled = 0
  for (const removal of decided) if (await settleRemoval(ctx, removal)) settled += 1
  if (settled > 0) ctx.log('info', 'removals of second factors settled', { accounts: settled })
}
