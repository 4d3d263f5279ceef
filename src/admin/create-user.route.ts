/**
 * POST /v1/admin/users — Create an account. It has no password: its owner signs in by a mailed code, or resets it. Nothing is
 * mailed; POST /v1/admin/invitations mails a person a link instead.
 */
import * as v from 'valibot'
import { EmailAddress, presentUser, Roles, UserAnswer } from '../accounts/accounts.ts'
import { newId } from '../events/outbox.ts'
import { requireCaller } from '../guard/caller.ts'
import { createOnce } from '../guard/once.ts'
import { DisplayName } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { insertAccount } from './create-store.ts'
import { Reason } from './users.ts'

export const createUser = operation(
  {
    id: 'createUser',
    method: 'POST',
    path: '/v1/admin/users',
    body: v.strictObject({
      email: EmailAddress,
      /** Whether the administrator knows that the address is the person's; without it the account has no roles yet. */
      email_verified: v.optional(v.boolean(), false),
      name: v.optional(DisplayName),
      locale: v.optional(LanguageTag),
      roles: v.optional(Roles, []),
      reason: Reason,
    }),
    answers: { 201: UserAnswer },
    refusals: ['email_taken'],
    caller: 'admin',
    permission: 'latchkey:users:write',
    stepUp: true,
    idempotencyKey: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body }) => {
    const idempotencyKey = readIdempotencyKey(headers)
    if (isRefusal(idempotencyKey)) return idempotencyKey
    const { email, email_verified: isProved, name = null, locale = null, roles, reason } = body
    // Who proves the address later may be another person than the one who is meant.
    if (roles.length > 0 && !isProved)
      return refuse('invalid_input', { errors: [{ pointer: '/roles', code: 'email_not_verified' }] })
    const caller = await requireCaller(ctx, headers, 'createUser', { ...demands, grants: roles })
    if (isRefusal(caller)) return caller
    const account = { id: newId(ctx), email, isProved, name, locale, roles }
    const emailVerifiedAt = isProved ? ctx.now() : null
    const response = Response.json(presentUser({ ...account, emailVerifiedAt }), { status: 201 })
    const creation = { operation: 'createUser', idempotencyKey, request: JSON.stringify(body), response }
    return createOnce(ctx, caller, creation, async (kept) => {
      const outcome = await insertAccount(ctx, caller, { ...account, reason }, kept)
      return outcome === 'email_taken' ? refuse(outcome) : outcome
    })
  },
)
