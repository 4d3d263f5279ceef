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

/** A key is too secret for a query, so this is read by POST. */
const reads = ({ id, method }: OperationUnderTest) => method === 'GET' || id === 'verifyApiKey'

/** Those of a row of LIMITS but for `known`, and for the forms of pages, which are other ways to the same. */
export function ordinaryOperations(row: string, known: FaultedOperation[] = []): FaultedOperation[] {
  const isKnown = ({ id }: OperationUnderTest) => known.some(({ title }) => title.split(' ')[0] === id)
  const ordinary = EVERY_OPERATION.filter(({ limits, isPage }) => limits.row === row && !isPage)
  if (known.length === 0 && ordinary.length === 0) throw new Error(`no operation has the limits of ${row}`)
  return ordinary
    .filter((operation) => !isKnown(operation))
    .map((operation) => ({
      ...(reads(operation) ? reading : { ...writing, repeats: false }),
      title: operation.id,
      prepare: (stage) => attemptOf(operation, stage),
    }))
}

export async function attemptOf(operation: OperationUnderTest, stage: Stage): Promise<Attempt> {
  const { client, tokens } = await (operation.caller === 'admin' ? newAdmin(stage) : newBearer(stage))
  const call = await operation.prepare(client, tokens)
  const events = '(select count(*)::int from events where subject = $1 or actor = $1)'
  const [before] = await stage.patient.sql<{ count: number }>(`select ${events} as count`, [tokens.user.id])
  const facts = () =>
    askFacts(stage.patient, { recorded: `${events} > ${before?.count ?? 0}` }, [tokens.user.id])
  return {
    call,
    success: { status: operation.successes[0] ?? 200, ...(operation.setsCookie && { cookie: /^/ }) },
    facts: reads(operation) ? factsOfReading : facts,
  }
}
