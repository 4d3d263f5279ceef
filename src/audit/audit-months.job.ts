/**
 * The audit log's months: each is a partition, made before it is needed and dropped whole when it need not be kept any
 * longer. What no month took lies in the default partition and is moved into its month when that is made.
 */
import type { JobContext } from '../context.ts'
import { dropAuditMonth, findAuditMonths, type Month, makeAuditMonth } from './months-store.ts'

const MONTHS_AHEAD = 3

/** Makes this month's partition and the next three, and those of rows that have none. */
export async function makeAuditMonths(ctx: JobContext): Promise<void> {
  const { standing, homeless } = await findAuditMonths(ctx)
  const current = monthOf(ctx.now())
  const ahead = Array.from({ length: MONTHS_AHEAD + 1 }, (_, months) => monthAfter(current, months))
  const missing = [...new Set([...ahead, ...homeless])].filter((month) => !standing.includes(month))
  for (const month of missing) await makeAuditMonth(ctx, month, monthAfter(month, 1))
  ctx.log('info', 'audit months created', { made: missing.length, months: missing.join(' ') || undefined })
}

/** Drops the months that are over the retention, oldest first. */
export async function dropAuditMonths(ctx: JobContext): Promise<void> {
  const oldestKept = monthAfter(monthOf(ctx.now()), -ctx.settings.auditRetentionMonths)
  const { standing } = await findAuditMonths(ctx)
  const outlived = standing.filter((month) => month < oldestKept)
  for (const month of outlived) await dropAuditMonth(ctx, month)
  ctx.log('info', 'audit months dropped', {
    dropped: outlived.length,
    months: outlived.join(' ') || undefined,
  })
}

const monthOf = (time: Date): Month =>
  `${time.getUTCFullYear()}_${String(time.getUTCMonth() + 1).padStart(2, '0')}`

function monthAfter(month: Month, months: number): Month {
  const [year, number] = month.split('_').map(Number)
  return monthOf(new Date(Date.UTC(year ?? 0, (number ?? 1) - 1 + months, 1)))
}
