/** POST /v1/passkeys/login/verify — Sign in with the signature of a passkey. */
import * as v from 'valibot'
import { Transport } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { SignInAnswer, signedInResponse } from '../sign-in/answer.ts'
import { Assertion } from './credential.ts'
import { signInWithPasskey } from './sign-in.ts'

export const finishPasskeySignIn = operation(
  {
    id: 'finishPasskeySignIn',
    method: 'POST',
    path: '/v1/passkeys/login/verify',
    body: v.strictObject({ credential: Assertion, transport: Transport }),
    answers: { 200: SignInAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_passkey', 'second_factor_required'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body: { credential, transport } }) => {
    const signedIn = await signInWithPasskey(ctx, headers, credential)
    return isRefusal(signedIn) ? signedIn : signedInResponse(ctx, headers, signedIn, { transport })
  },
)
