/**
 * `DATABASE_URL=… [AUDIT_DATABASE_URL=…] npm run audit -- verify [tenant id] [--expect <sequence>:<hash>]` — walks each
 * tenant's chain of the audit log and says where it is broken; `--expect` takes a head that a log line ("audit
 * written") once named, and wants the chain to lead through it.
 * `npm run audit -- erase <user id>` makes everything personal in a person's rows unreadable, and keeps the chain.
 */
import { eraseFromAudit, hashRow, NO_HEAD } from '../src/audit/audit.ts'
import { type Chain, type ChainHead, findChains, readChain } from '../src/audit/audit-store.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'

type Verified = { tenantId: string; rows: number; head: ChainHead; problems: string[] }

const PAGE = 1000

/** @param expected a head that the chain must lead through */
export async function verifyChains(
  ctx: Pick<OperatorContext, 'auditDb'>,
  tenantId: string | null = null,
  expected: ChainHead | null = null,
): Promise<Verified[]> {
  const verified: Verified[] = []
  for (const chain of await findChains(ctx, tenantId)) verified.push(await verifyChain(ctx, chain, expected))
  return verified
}

async function verifyChain(
  ctx: Pick<OperatorContext, 'auditDb'>,
  { tenantId, head, dropped }: Chain,
  expected: ChainHead | null,
): Promise<Verified> {
  const problems: string[] = []
  let { sequence, hash } = NO_HEAD
  let rows = 0
  let isMet = expected === null || expected.sequence <= dropped.sequence
  for (;;) {
    const page = await readChain(ctx, { tenantId, after: sequence, limit: PAGE })
    for (const row of page) {
      const where = `row ${row.sequence} (${row.id})`
      // What came late lies in a later month than its neighbours in the chain, so retention leaves gaps up to here.
      const isBeforeDropped = row.sequence <= dropped.sequence
      if (!isBeforeDropped && sequence < dropped.sequence) ({ sequence, hash } = dropped)
      const missing = row.sequence - sequence - 1
      if (missing !== 0) {
        if (!isBeforeDropped || missing < 0) problems.push(`${missing} rows are missing before ${where}`)
      } else if (row.previousHash !== hash) problems.push(`${where} does not follow the row before it`)
      if ((await hashRow(row)) !== row.hash) problems.push(`${where} was changed`)
      if (row.sequence === expected?.sequence) isMet = row.hash === expected.hash
      sequence = row.sequence
      hash = row.hash
      rows += 1
    }
    if (page.length < PAGE) break
  }
  if (sequence < dropped.sequence) ({ sequence, hash } = dropped)
  if (sequence !== head.sequence || hash !== head.hash)
    problems.push(`the chain ends at ${sequence}, and its head says ${head.sequence}`)
  if (!isMet) problems.push(`the chain does not lead through ${expected?.sequence}:${expected?.hash}`)
  return { tenantId, rows, head, problems }
}

async function verify(ctx: OperatorContext, options: string[]): Promise<void> {
  const at = options.indexOf('--expect')
  const [sequence = '', hash = ''] = at === -1 ? [] : (options[at + 1] ?? '').split(':')
  if (at !== -1 && !(/^[0-9]+$/.test(sequence) && /^[0-9a-f]{64}$/.test(hash)))
    throw new Error('--expect takes <sequence>:<hash>, as the log line "audit written" has them')
  const [tenantId = null] = at === -1 ? options : options.toSpliced(at, 2)
  const chains = await verifyChains(ctx, tenantId, at === -1 ? null : { sequence: Number(sequence), hash })
  for (const { tenantId: tenant, rows, head, problems } of chains) {
    console.log(
      `${tenant} ${problems.length === 0 ? 'intact' : 'BROKEN'} ${rows} rows, head ${head.sequence}:${head.hash}`,
    )
    for (const problem of problems) console.log(`  ${problem}`)
  }
  if (chains.length === 0) console.log('no audit events yet')
  if (chains.some(({ problems }) => problems.length > 0)) process.exitCode = 1
}

if (import.meta.main) {
  await run(async () => {
    const [command, ...options] = process.argv.slice(2)
    const ctx = createOperatorContext(process.env, ['DATABASE_URL'])
    if (command === 'verify') await verify(ctx, options)
    else if (command === 'erase' && options[0]) await eraseFromAudit(ctx, options[0])
    else throw new Error('npm run audit -- verify [tenant id] [--expect <sequence>:<hash>] | erase <user id>')
  })
}
