/** POST /v1/admin/invitations — mails a person a link to an account of the tenant; 202 for every address. */
import * as v from 'valibot'
import { EmailAddress, Roles } from '../accounts/accounts.ts'
import { requireCaller } from '../guard/caller.ts'
import { AS_ADMIN_STEP_UP } from '../guard/demands.ts'
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
    stepUp: true,
    idempotencyKey: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const idempotencyKey = readIdempotencyKey(headers)
    if (isRefusal(idempotencyKey)) return idempotencyKey
    const caller = await requireCaller(ctx, headers, 'createInvitation', AS_ADMIN_STEP_UP)
    return isRefusal(caller) ? caller : invite(ctx, caller, body, idempotencyKey)
  },
)
