/**
 * PATCH /v1/admin/users/{id}/metadata — Write what your product hangs on an account. A member that is given takes the place of
 * what was there, `external_id` as `null` takes it away, and what is absent stays.
 */
import * as v from 'valibot'
import { ExternalId, Metadata } from '../accounts/metadata.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { MetadataAnswer, presentMetadata } from './metadata-answer.ts'
import { updateMetadata } from './metadata-store.ts'

const Changes = v.pipe(
  v.strictObject({
    external_id: v.exactOptional(v.nullable(ExternalId)),
    public_metadata: v.exactOptional(Metadata),
    private_metadata: v.exactOptional(Metadata),
  }),
  v.check((changes) => Object.keys(changes).length > 0, 'missing'),
)

export const updateUserMetadata = operation(
  {
    id: 'updateUserMetadata',
    method: 'PATCH',
    path: '/v1/admin/users/:id/metadata',
    body: Changes,
    answers: { 200: MetadataAnswer },
    refusals: ['not_found', 'external_id_taken'],
    caller: 'admin',
    permission: 'latchkey:metadata:write',
    takesKeys: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id }, body }) => {
    const known = await requireCaller(ctx, headers, 'updateUserMetadata', demands)
    if (isRefusal(known)) return known
    // A key of the tenant is its product itself, which writes on every account.
    const caller = known.userId === null ? known : { ...known, demands: { ...demands, over: pathId(id) } }
    const updated = await updateMetadata(ctx, caller, pathId(id), body)
    if (updated === 'external_id_taken') return refuse(updated)
    const refused = refuseUnless(updated, caller)
    if (refused) return refused
    return updated.found === null ? refuse('not_found') : Response.json(presentMetadata(updated.found))
  },
)
