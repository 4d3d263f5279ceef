/**
 * POST /v1/passkeys/mfa/options — what a page hands to `navigator.credentials.get()` for the second step of a sign-in, and a
 * cookie that ties the challenge to its browser.
 */
import * as v from 'valibot'
import { ceremonyCookie } from '../http/cookies.ts'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { CEREMONY_SECONDS } from '../passkeys/ceremony.ts'
import { RequestOptions } from '../passkeys/options.ts'
import { isRefusal } from '../problem.ts'
import { beginPasskeyStep } from './passkey-step.ts'

export const beginMfaWithPasskey = operation(
  {
    id: 'beginMfaWithPasskey',
    method: 'POST',
    path: '/v1/passkeys/mfa/options',
    body: v.strictObject({ mfa_token: text(200) }),
    answers: { 200: RequestOptions },
    answerHeaders: ['set-cookie'],
    refusals: ['invalid_mfa_token', 'no_second_factor'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const begun = await beginPasskeyStep(ctx, headers, body.mfa_token)
    if (isRefusal(begun)) return begun
    const cookie = ceremonyCookie(begun.browser.nonce, CEREMONY_SECONDS)
    return Response.json(begun.options, { headers: { 'set-cookie': cookie } })
  },
)
