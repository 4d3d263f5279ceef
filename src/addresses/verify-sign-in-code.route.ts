/** POST /v1/email/code/verify — Sign in with a mailed code. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { Transport } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { SignInAnswer, signedInResponse } from '../sign-in/answer.ts'
import { redeemCode, TypedCode } from './sign-in.ts'

const Code = v.strictObject({ email: EmailAddress, code: TypedCode, transport: Transport })

export const verifySignInCode = operation(
  {
    id: 'verifySignInCode',
    method: 'POST',
    path: '/v1/email/code/verify',
    body: Code,
    answers: { 200: SignInAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_code', 'second_factor_required'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body: { email, code, transport } }) => {
    const signedIn = await redeemCode(ctx, headers, { email, code })
    return isRefusal(signedIn) ? signedIn : signedInResponse(ctx, headers, signedIn, { transport })
  },
)
