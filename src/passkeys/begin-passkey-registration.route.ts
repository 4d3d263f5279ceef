/**
 * POST /v1/passkeys/register/options — Begin adding a passkey. The answer is for `navigator.credentials.create()`; a
 * cookie binds the challenge to the browser. `conditional` is for a browser that creates a passkey by itself after a
 * sign-in.
 */
import * as v from 'valibot'
import { ceremonyCookie } from '../http/cookies.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { CEREMONY_SECONDS } from './ceremony.ts'
import { CreationOptions } from './options.ts'
import { beginRegistration } from './registration.ts'

export const beginPasskeyRegistration = operation(
  {
    id: 'beginPasskeyRegistration',
    method: 'POST',
    path: '/v1/passkeys/register/options',
    body: v.strictObject({ conditional: v.optional(v.boolean(), false) }),
    bodyIsOptional: true,
    answers: { 200: CreationOptions },
    answerHeaders: ['set-cookie'],
    refusals: [],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const begun = await beginRegistration(ctx, headers, { isConditional: body.conditional })
    if (isRefusal(begun)) return begun
    const cookie = ceremonyCookie(begun.browser.nonce, CEREMONY_SECONDS)
    return Response.json(begun.options, { headers: { 'set-cookie': cookie } })
  },
)
