/** PATCH /v1/passkeys/{id} — Rename a passkey. Answers 404 for a passkey of another account. */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { DisplayName, UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { PasskeyAnswer, presentPasskey } from './passkey-answer.ts'
import { renamePasskey as rename } from './passkey-store.ts'

export const renamePasskey = operation(
  {
    id: 'renamePasskey',
    method: 'PATCH',
    path: '/v1/passkeys/:id',
    body: v.strictObject({ name: DisplayName }),
    answers: { 200: PasskeyAnswer },
    refusals: ['not_found'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id }, body: { name } }) => {
    const caller = await requireCaller(ctx, headers, 'renamePasskey')
    if (isRefusal(caller)) return caller
    if (!UUID.test(id)) return refuse('not_found')

    const renamed = await rename(ctx, caller, { id, name })
    const refused = refuseUnless(renamed, caller)
    if (refused) return refused
    const { passkey } = renamed
    return passkey === null ? refuse('not_found') : Response.json(presentPasskey(passkey))
  },
)
