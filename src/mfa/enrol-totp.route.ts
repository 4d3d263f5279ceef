/**
 * POST /v1/mfa/enrol — Begin adding the authenticator app that a sign-in requires, with its `lkm_…` token. The answer
 * has the secret, once.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { enrolTotp as enrol } from './enrol.ts'
import { SecretAnswer } from './totp.ts'

export const enrolTotp = operation(
  {
    id: 'enrolTotp',
    method: 'POST',
    path: '/v1/mfa/enrol',
    body: v.strictObject({ mfa_token: text(200) }),
    answers: { 201: SecretAnswer },
    refusals: ['invalid_mfa_token', 'email_not_verified'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, body }) => {
    const added = await enrol(ctx, body.mfa_token)
    return isRefusal(added) ? added : Response.json(added, { status: 201 })
  },
)
