/** The operations of social sign-in that keep what they do in Redis, as test/faults/operations.ts has the others. */
import type { LimitedOperation } from '../../src/limits/limits.ts'
import { operationCalled } from '../operations.ts'
import {
  type Attempt,
  askFacts,
  type FaultedOperation,
  factsOfReading,
  newBearer,
  reading,
  type Stage,
  writing,
} from './callers.ts'
import { attemptOf } from './ordinary.ts'

/** A state is used up by the first return, also where the answer is lost; and is gone with Redis. */
const returning = { ...writing, repeats: false, lost: 'invalid_oauth_state' } as const

export const SOCIAL_OPERATIONS = {
  linkIdentity: [{ ...reading, title: 'linkIdentity', prepare: toAsk('linkIdentity') }],
  stepUpAtProvider: [{ ...reading, title: 'stepUpAtProvider', prepare: toAsk('stepUpAtProvider') }],
  // One row of LIMITS for both ways back.
  finishSocialSignIn: ['finishSocialSignIn', 'finishPostedSocialSignIn'].map((id) => ({
    ...returning,
    title: id,
    prepare: toComeBack(id),
  })),
  createProvider: [{ ...writing, repeats: false, title: 'createProvider', prepare: toCreate }],
} satisfies Partial<Record<LimitedOperation, FaultedOperation[]>>

/** Comes back agreed, as an app does, which is sent a code. */
function toComeBack(id: string) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, tokens } = await newBearer(stage)
    const call = await operationCalled(id).prepare(client, tokens)
    const facts = {
      known: 'exists (select from identities where user_id = $1 and last_used_at is not null)',
      passed: 'exists (select from oauth_exchanges where user_id = $1)',
    }
    return {
      call,
      success: { status: 303 },
      facts: () => askFacts(stage.patient, facts, [tokens.user.id]),
    }
  }
}

/** Is sent off: nothing is written to PostgreSQL. */
function toAsk(id: string) {
  return async (stage: Stage): Promise<Attempt> => ({
    ...(await attemptOf(operationCalled(id), stage)),
    facts: factsOfReading,
  })
}

/** A tenant has room for 50. */
async function toCreate(stage: Stage): Promise<Attempt> {
  await stage.patient.sql('delete from providers where tenant_id = $1', [stage.tenant.id])
  return attemptOf(operationCalled('createProvider'), stage)
}
