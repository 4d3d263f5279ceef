/** POST /v1/passkeys/mfa/verify — the second step of a sign-in: what a passkey of the account signed, for tokens. */
import * as v from 'valibot'
import { Transport, text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { Assertion } from '../passkeys/credential.ts'
import { isRefusal } from '../problem.ts'
import { TokensAnswer } from '../sessions/tokens.ts'
import { signedInResponse } from '../sign-in/answer.ts'
import { verifyPasskeyStep } from './passkey-step.ts'

export const verifyMfaWithPasskey = operation(
  {
    id: 'verifyMfaWithPasskey',
    method: 'POST',
    path: '/v1/passkeys/mfa/verify',
    body: v.strictObject({
      mfa_token: text(200),
      credential: Assertion,
      trust_device: v.optional(v.boolean(), false),
      transport: Transport,
    }),
    answers: { 200: TokensAnswer },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_mfa_token', 'invalid_passkey', 'trusted_devices_off'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body }) => {
    const begun = await verifyPasskeyStep(ctx, headers, body, { trust: body.trust_device })
    return isRefusal(begun) ? begun : signedInResponse(ctx, headers, begun, body)
  },
)
