/**
 * POST /v1/passkeys/login/options — what a page hands to `navigator.credentials.get()`, also before anyone has typed
 * anything (conditional UI), and a cookie that ties the challenge to its browser. The same for every caller.
 */
import * as v from 'valibot'
import { ceremonyCookie } from '../http/cookies.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { CEREMONY_SECONDS } from './ceremony.ts'
import { RequestOptions } from './options.ts'
import { beginSignIn } from './sign-in.ts'

export const beginPasskeySignIn = operation(
  {
    id: 'beginPasskeySignIn',
    method: 'POST',
    path: '/v1/passkeys/login/options',
    body: v.strictObject({}),
    bodyIsOptional: true,
    answers: { 200: RequestOptions },
    answerHeaders: ['set-cookie'],
    refusals: [],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const begun = await beginSignIn(ctx, headers)
    if (isRefusal(begun)) return begun
    const cookie = ceremonyCookie(begun.browser.nonce, CEREMONY_SECONDS)
    return Response.json(begun.options, { headers: { 'set-cookie': cookie } })
  },
)
