/** POST /v1/passkeys/step-up/verify — a passkey once more, for tokens with a fresh `auth_time` and `acr` (RFC 9470). */
import * as v from 'valibot'
import { operation } from '../operation.ts'
import { Assertion } from '../passkeys/credential.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer, tokensResponse } from '../sessions/tokens.ts'
import { finishPasskeyStepUp } from './passkey-step-up.ts'

export const stepUpWithPasskey = operation(
  {
    id: 'stepUpWithPasskey',
    method: 'POST',
    path: '/v1/passkeys/step-up/verify',
    body: v.strictObject({ credential: Assertion }),
    answers: { 200: TokensAnswer },
    refusals: ['invalid_passkey'],
    caller: 'user',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body }) => {
    const steppedUp = await finishPasskeyStepUp(ctx, headers, body.credential)
    // The session goes on with the refresh token that it has.
    return isRefusal(steppedUp) ? steppedUp : tokensResponse(ctx, steppedUp, 'token', 200)
  },
)
