/**
 * POST /v1/mfa/recovery-codes — Create new recovery codes, shown once. The old ones no longer work. Needs recent
 * authentication.
 */
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { replaceRecoveryCodes as replace } from './enrolment.ts'
import { RecoveryCodesAnswer } from './recovery-codes.ts'

export const replaceRecoveryCodes = operation(
  {
    id: 'replaceRecoveryCodes',
    method: 'POST',
    path: '/v1/mfa/recovery-codes',
    answers: { 200: RecoveryCodesAnswer },
    refusals: ['no_second_factor'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers }) => {
    const codes = await replace(ctx, headers)
    return isRefusal(codes) ? codes : Response.json({ recovery_codes: codes })
  },
)
