/**
 * An operation that says nothing of its own about faults: called as its description says, and taken to have happened when an
 * event of its caller was recorded, in the statement that did it.
 */
import { EVERY_OPERATION, type OperationUnderTest } from '../operations.ts'
import {
  type Attempt,
  askFacts,
  type FaultedOperation,
  factsOfReading,
  newAdmin,
  newBearer,
  reading,
  type Stage,
  writing,
} from './callers.ts'

/** Those of a row of LIMITS, but for the forms of pages, which are other ways to the same. */
export function ordinaryOperations(row: string): FaultedOperation[] {
  return EVERY_OPERATION.filter(({ limits, isPage }) => limits.row === row && !isPage).map((operation) => ({
    ...(operation.method === 'GET' ? reading : { ...writing, repeats: false }),
    title: operation.id,
    prepare: (stage) => attemptOf(operation, stage),
  }))
}

async function attemptOf(operation: OperationUnderTest, stage: Stage): Promise<Attempt> {
  const { client, tokens } = await (operation.caller === 'admin' ? newAdmin(stage) : newBearer(stage))
  const call = await operation.prepare(client, tokens)
  const events = '(select count(*)::int from events where subject = $1 or actor = $1)'
  const [before] = await stage.patient.sql<{ count: number }>(`select ${events} as count`, [tokens.user.id])
  const facts = () =>
    askFacts(stage.patient, { recorded: `${events} > ${before?.count ?? 0}` }, [tokens.user.id])
  return {
    call,
    success: { status: operation.successes[0] ?? 200, ...(operation.setsCookie && { cookie: /^/ }) },
    facts: operation.method === 'GET' ? factsOfReading : facts,
  }
}
