/**
 * POST /v1/passkeys/step-up/options — what a page hands to `navigator.credentials.get()` so that its caller authenticates anew,
 * and a cookie that ties the challenge to its browser.
 */
import * as v from 'valibot'
import { ceremonyCookie } from '../http/cookies.ts'
import { operation } from '../operation.ts'
import { CEREMONY_SECONDS } from '../passkeys/ceremony.ts'
import { RequestOptions } from '../passkeys/options.ts'
import { isRefusal } from '../problem.ts'
import { beginPasskeyStepUp } from './passkey-step-up.ts'

export const beginStepUpWithPasskey = operation(
  {
    id: 'beginStepUpWithPasskey',
    method: 'POST',
    path: '/v1/passkeys/step-up/options',
    body: v.strictObject({}),
    bodyIsOptional: true,
    answers: { 200: RequestOptions },
    answerHeaders: ['set-cookie'],
    refusals: ['no_second_factor'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const begun = await beginPasskeyStepUp(ctx, headers)
    if (isRefusal(begun)) return begun
    const cookie = ceremonyCookie(begun.browser.nonce, CEREMONY_SECONDS)
    return Response.json(begun.options, { headers: { 'set-cookie': cookie } })
  },
)
