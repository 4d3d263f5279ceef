/**
 * GET /v1/passkeys — List all of the caller's passkeys. The answer also has what a page needs for
 * `PublicKeyCredential.signalAllAcceptedCredentials()`.
 */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { PasskeyAnswer, presentPasskey } from './passkey-answer.ts'
import { findPasskeys } from './passkey-store.ts'
import { relyingPartyOf } from './relying-party.ts'
import { userHandleOf } from './user-handle.ts'

export const listPasskeys = operation(
  {
    id: 'listPasskeys',
    method: 'GET',
    path: '/v1/passkeys',
    query: v.strictObject({}),
    answers: {
      200: v.object({
        data: v.array(PasskeyAnswer),
        next_cursor: v.null(),
        rp_id: v.string(),
        user_handle: v.string(),
      }),
    },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const read = await readAsCaller(ctx, headers, 'listPasskeys', (claimed) => findPasskeys(ctx, claimed))
    if (isRefusal(read)) return read
    const { tenant, userId } = read.caller
    return Response.json({
      data: read.found.map(presentPasskey),
      next_cursor: null,
      rp_id: relyingPartyOf(tenant).id,
      user_handle: userHandleOf(userId),
    })
  },
)
