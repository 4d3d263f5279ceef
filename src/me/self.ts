/** What a person changes about themself. */
import * as v from 'valibot'
import type { Self } from '../accounts/accounts.ts'
import { Metadata } from '../accounts/metadata.ts'
import type { Context } from '../context.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { DisplayName } from '../http/input.ts'
import { LanguageTag } from '../http/language.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { updateCaller } from './self-store.ts'

export const Changes = v.pipe(
  v.strictObject({
    name: v.exactOptional(v.nullable(DisplayName)),
    locale: v.exactOptional(v.nullable(LanguageTag)),
    operational_mail: v.exactOptional(v.boolean()),
    public_metadata: v.exactOptional(Metadata),
  }),
  v.check((changes) => Object.keys(changes).length > 0, 'missing'),
)

/** limit → one statement. @returns the account as it is now; refusals as `requireCaller` */
export async function updateSelf(
  ctx: Context,
  headers: Headers,
  changes: v.InferOutput<typeof Changes>,
): Promise<Self | Refusal> {
  const caller = await requireCaller(ctx, headers, 'updateMe')
  if (isRefusal(caller)) return caller
  const updated = await updateCaller(ctx, caller, changes)
  // No account: closed while the statement waited.
  return refuseUnless(updated, caller) ?? updated.self ?? refuse('invalid_token')
}
