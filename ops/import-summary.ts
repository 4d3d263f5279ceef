/** What an operator reads when an import has ended: how many, why not the others, and what to do next. */
import type { LineReport } from './import.ts'

/** How often something happened, and on which line first. */
type Seen = Map<string, { count: number; line: number }>

export type Tally = {
  lines: number
  statuses: Record<LineReport['status'], number>
  /** Of those that were created. */
  disabled: number
  withoutPassword: number
  refusals: Seen
  warnings: Seen
}

export const newTally = (): Tally => ({
  lines: 0,
  statuses: { created: 0, accepted: 0, exists: 0, duplicate: 0, refused: 0 },
  disabled: 0,
  withoutPassword: 0,
  refusals: new Map(),
  warnings: new Map(),
})

/** @param user what the line said, where it was accepted */
export function count(
  tally: Tally,
  report: LineReport,
  user: { disabled: boolean; storedHash: string | null } | null,
): void {
  tally.lines += 1
  tally.statuses[report.status] += 1
  if (report.status === 'refused') see(tally.refusals, report, report.line)
  if (report.status !== 'created' && report.status !== 'accepted') return
  for (const warning of report.warnings ?? []) see(tally.warnings, warning, report.line)
  if (user?.disabled) tally.disabled += 1
  if (user && user.storedHash === null) tally.withoutPassword += 1
}

function see(seen: Seen, { code, pointer = '' }: { code: string; pointer?: string }, line: number): void {
  const what = `${code} ${pointer.replace(/^\/roles\/\d+$/, '/roles/…')}`.trimEnd()
  const known = seen.get(what)
  if (known) known.count += 1
  else seen.set(what, { count: 1, line })
}

/** @param rejectedFile where the lines are that were not imported; null when there are none */
export function summarise(tally: Tally, rejectedFile: string | null): string {
  const { created, accepted, exists, duplicate, refused } = tally.statuses
  const tooLong = tally.refusals.get('line_too_long')?.count ?? 0
  const parts = [
    ...when(created, `${n(created)} created`),
    ...when(accepted, `${n(accepted)} would be imported, unless the email already has an account`),
    ...when(tally.disabled, `  of these ${n(tally.disabled)} disabled`),
    ...when(
      tally.withoutPassword,
      `  of these ${n(tally.withoutPassword)} without a password; a password reset sets one`,
    ),
    ...when(exists, `${n(exists)} already had an account, which was not changed`),
    ...when(duplicate, `${n(duplicate)} duplicate: the email is on an earlier line of this file`),
    ...when(refused, `${n(refused)} refused:`),
    ...list(tally.refusals),
    ...when(tally.warnings.size, 'Imported with changes:'),
    ...list(tally.warnings),
    ...(rejectedFile === null
      ? []
      : [`The lines that were not imported are in ${rejectedFile}. Correct them and import that file.`]),
    ...when(tooLong, `${n(tooLong)} too long to be kept; shorten them in the original file.`),
  ]
  return [`${n(tally.lines)} ${tally.lines === 1 ? 'line' : 'lines'}`, ...parts].join('\n')
}

const n = (value: number) => value.toLocaleString('en')
const when = (value: number, text: string) => (value > 0 ? [text] : [])

const list = (seen: Seen) =>
  [...seen]
    .toSorted(([, one], [, other]) => other.count - one.count)
    .map(([what, { count, line }]) => `  ${n(count)} × ${what} (first on line ${n(line)})`)
