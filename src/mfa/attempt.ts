/** A wrong code, counted: those of an account together, whichever factor it was and whichever door asked. */
import { type Attempts, refuseUnheard, secondFactorSubject } from '../accounts/attempts.ts'
import { countFailure } from '../accounts/attempts-store.ts'
import type { Context } from '../context.ts'
import { type Refusal, refuse } from '../problem.ts'

type Storage = Parameters<typeof countFailure>[0]

export const refuseUnheardCode = (attempts: Attempts): Refusal | null =>
  refuseUnheard(attempts, 'second_factor_disabled')

/** @returns refusals `invalid_code`; `rate_limited`, `second_factor_disabled` where the attempt was too late to count */
export async function refuseWrongCode(
  ctx: Storage & Pick<Context, 'outcome'>,
  { tenantId, userId }: { tenantId: string; userId: string },
): Promise<Refusal> {
  ctx.outcome.subject = userId
  const subject = await secondFactorSubject(userId)
  const failure = { tenantId, subject, userId, disables: 'second_factor.disabled' } as const
  const { hasCounted, ...attempts } = await countFailure(ctx, failure)
  return (
    (hasCounted ? null : refuseUnheardCode(attempts)) ??
    refuse('invalid_code', {
      evidence: { reason: 'wrong second factor', consecutive_failures: attempts.failures },
    })
  )
}
