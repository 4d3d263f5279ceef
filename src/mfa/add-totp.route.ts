/**
 * POST /v1/mfa/totp — Begin adding an authenticator app. The answer has the secret, once; the app is active after its
 * first code is confirmed. Needs recent authentication.
 */
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { addTotp as add } from './enrolment.ts'
import { SecretAnswer } from './totp.ts'

export const addTotp = operation(
  {
    id: 'addTotp',
    method: 'POST',
    path: '/v1/mfa/totp',
    answers: { 201: SecretAnswer },
    refusals: ['second_factors_off', 'email_not_verified'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers }) => {
    const added = await add(ctx, headers)
    return isRefusal(added) ? added : Response.json(added, { status: 201 })
  },
)
