/**
 * PATCH /v1/me — changes what a person may say about themselves: their name, their language (`null` takes it away), and
 * whether they want mail that is not about their security.
 */
import * as v from 'valibot'
import { presentSelf, SelfAnswer } from '../accounts/accounts.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { DisplayName } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { updateCaller } from './self-store.ts'

const Changes = v.pipe(
  v.strictObject({
    name: v.exactOptional(v.nullable(DisplayName)),
    locale: v.exactOptional(v.nullable(LanguageTag)),
    operational_mail: v.exactOptional(v.boolean()),
  }),
  v.check((changes) => Object.keys(changes).length > 0, 'missing'),
)

export const updateMe = operation(
  {
    id: 'updateMe',
    method: 'PATCH',
    path: '/v1/me',
    body: Changes,
    answers: { 200: SelfAnswer },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const caller = await requireCaller(ctx, headers, 'updateMe')
    if (isRefusal(caller)) return caller

    const updated = await updateCaller(ctx, caller, body)
    const refused = refuseUnless(updated, caller)
    if (refused) return refused
    // Closed while the statement waited.
    return updated.self === null ? refuse('invalid_token') : Response.json(presentSelf(updated.self))
  },
)
