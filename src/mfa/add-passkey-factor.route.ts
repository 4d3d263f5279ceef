/**
 * POST /v1/passkeys/{id}/second-factor — the passkey is asked for after another factor from now on; recovery codes, shown once.
 * Every other session ends. Step-up.
 */
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { addPasskeyFactor as add } from './passkey-factor.ts'
import { RecoveryCodesAnswer } from './recovery-codes.ts'

export const addPasskeyFactor = operation(
  {
    id: 'addPasskeyFactor',
    method: 'POST',
    path: '/v1/passkeys/:id/second-factor',
    answers: { 200: RecoveryCodesAnswer },
    refusals: ['second_factors_off', 'email_not_verified', 'not_found', 'passkey_is_second_factor'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const codes = await add(ctx, headers, id)
    return isRefusal(codes) ? codes : Response.json({ recovery_codes: codes })
  },
)
