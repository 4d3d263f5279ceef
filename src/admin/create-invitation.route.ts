/** POST /v1/admin/invitations — Invite a person to the tenant by email. Answers 202 for every address. */
import * as v from 'valibot'
import { EmailAddress, Roles } from '../accounts/accounts.ts'
import { requireCaller } from '../guard/caller.ts'
import { DisplayName } from '../http/input.ts'
import { readIdempotencyKey } from '../idempotency/idempotency.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { invite } from './invitations.ts'

export const createInvitation = operation(
  {
    id: 'createInvitation',
    method: 'POST',
    path: '/v1/admin/invitations',
    body: v.strictObject({
      email: EmailAddress,
      name: v.optional(DisplayName),
      roles: v.optional(Roles, []),
    }),
    answers: { 202: v.object({ status: v.literal('invited') }) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:invitations:create',
    stepUp: true,
    idempotencyKey: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body }) => {
    const idempotencyKey = readIdempotencyKey(headers)
    if (isRefusal(idempotencyKey)) return idempotencyKey
    const given = { ...demands, grants: body.roles }
    const caller = await requireCaller(ctx, headers, 'createInvitation', given)
    return isRefusal(caller) ? caller : invite(ctx, caller, body, idempotencyKey)
  },
)
