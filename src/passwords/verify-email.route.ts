/**
 * POST /v1/email/verify — Verify an email address with a mailed link. In the browser that registered, or with the
 * account's password, everything stays as it is. With a new password, that password is set. Otherwise the password and
 * the sessions from before the first verification are removed. In this Worker because it may verify or hash a password.
 */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { TokenText } from '../one-time/one-time.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { MAX_PASSWORD_UNITS } from './policy.ts'
import { proveEmail } from './recovery.ts'

const Proof = v.pipe(
  v.strictObject({
    token: TokenText,
    password: v.optional(text(MAX_PASSWORD_UNITS)),
    new_password: v.optional(text(MAX_PASSWORD_UNITS)),
  }),
  v.forward(
    v.check(
      ({ password, new_password }) => password === undefined || new_password === undefined,
      'not_with_password',
    ),
    ['new_password'],
  ),
)

export const verifyEmail = operation(
  {
    id: 'verifyEmail',
    method: 'POST',
    path: '/v1/email/verify',
    body: Proof,
    answers: {
      200: v.object({
        status: v.literal('verified'),
        password: v.picklist(['kept', 'removed', 'none', 'set']),
      }),
    },
    refusals: ['invalid_one_time_token', 'invalid_credentials', 'password_compromised'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2, hashes: 1 },
  },
  async ({ ctx, headers, body }) => {
    const password = await proveEmail(ctx, headers, body)
    return isRefusal(password) ? password : Response.json({ status: 'verified', password })
  },
)
