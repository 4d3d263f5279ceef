/**
 * `npm run doctor` — what is wrong with a deployment, and what to do about it. It reads and asks; it changes nothing.
 *   DATABASE_URL=… [AUTH_KEYS=… SIGNING_SEAL_KEYS=… UPSTASH_REDIS_REST_URL=… UPSTASH_REDIS_REST_TOKEN=…] npm run doctor [-- --json]
 * What it is not given is skipped and named. `--local` looks at `npm run dev`. Exit code 1 when something is wrong.
 */
import { parseArgs } from 'node:util'
import { SECRETS, type Secret } from '../src/settings.ts'
import { createOperatorContext, type OperatorContext, type Output, run } from './context.ts'
import { databaseChecks } from './doctor/database.ts'
import { type Check, type Finding, type Report, runCheck } from './doctor/finding.ts'
import { keyChecks } from './doctor/keys.ts'
import { tenantChecks } from './doctor/tenants.ts'
import { workChecks } from './doctor/work.ts'

export const CHECKS: readonly Check[] = [...databaseChecks, ...keyChecks, ...workChecks, ...tenantChecks]

const MARKS: Record<Finding['level'], string> = {
  ok: 'ok     ',
  skipped: 'skipped',
  warning: 'WARNING',
  wrong: 'WRONG  ',
}

/** @returns whether anything is wrong */
export async function diagnose(
  ctx: OperatorContext,
  has: (name: Secret) => boolean,
  { json = false, out = console }: { json?: boolean; out?: Output } = {},
): Promise<boolean> {
  const reports: Report[] = []
  // One after another, so that no trip is measured beside another one.
  for (const check of CHECKS) {
    const report = await runCheck(check, ctx, has)
    reports.push(report)
    if (!json) print(report, out)
  }
  if (json) out.log(JSON.stringify(reports))
  const found = reports.flatMap(({ findings }) => findings)
  const count = (level: Finding['level']) => found.filter((finding) => finding.level === level).length
  out.error(`${count('wrong')} wrong, ${count('warning')} warnings, ${count('skipped')} skipped`)
  return count('wrong') > 0
}

function print({ part, findings }: Report, out: Output): void {
  for (const finding of findings) {
    out.log(`${MARKS[finding.level]} ${part}: ${finding.says}`)
    if ('do' in finding) out.log(`${' '.repeat(10)}${finding.do}`)
  }
}

if (import.meta.main)
  await run(async () => {
    const { values } = parseArgs({ options: { json: { type: 'boolean' } } })
    const given = SECRETS.filter((name) => process.env[name])
    const ctx = createOperatorContext(process.env, given)
    const isWrong = await diagnose(ctx, (name) => given.includes(name), values)
    if (isWrong) process.exitCode = 1
  })
