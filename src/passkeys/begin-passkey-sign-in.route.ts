/**
 * POST /v1/passkeys/login/options — Begin a sign-in with a passkey. The answer is for `navigator.credentials.get()`,
 * also for conditional UI, where no one has typed an address yet. A cookie binds the challenge to the browser. Every
 * caller gets the same kind of answer.
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
