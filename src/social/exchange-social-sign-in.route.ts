/** POST /v1/oauth/exchange — the code that an app was sent in its address, for tokens. */
import * as v from 'valibot'
import { Transport, text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { SignInAnswer, signedInResponse } from '../sign-in/answer.ts'
import { exchangeCode } from './exchange.ts'

export const exchangeSocialSignIn = operation(
  {
    id: 'exchangeSocialSignIn',
    method: 'POST',
    path: '/v1/oauth/exchange',
    body: v.strictObject({
      code: text(200),
      code_verifier: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._~-]{43,128}$/, 'invalid_code_verifier')),
      transport: Transport,
    }),
    answers: { 200: SignInAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_code', 'second_factor_required'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body: { code, code_verifier: verifier, transport } }) => {
    const begun = await exchangeCode(ctx, { code, verifier })
    return isRefusal(begun) ? begun : signedInResponse(ctx, headers, begun, { transport })
  },
)
