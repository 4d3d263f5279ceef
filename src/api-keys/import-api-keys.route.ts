/**
 * POST /v1/admin/api-keys/import — Import up to 100 API keys of another system by their hashes (SHA-256, or HMAC-SHA-256 under a
 * key that the operator has given by `npm run api-keys`), so that their holders need
 * not change them. The answer says of each whether it was created, existed already or was refused. Safe to repeat.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { FOREIGN_KEY, isHashedOnce, readForeignKey } from './foreign-key.ts'
import { insertForeignKeys, type NewForeignKey } from './import-store.ts'

const Entry = v.pipe(
  v.strictObject({
    ...FOREIGN_KEY,
    /** Whose it is; of the tenant unless given. */
    user_id: v.optional(v.pipe(v.string(), v.regex(UUID, 'invalid_id'))),
  }),
  v.forward(
    v.check((key) => isHashedOnce(key), 'exactly_one_hash'),
    ['sha256'],
  ),
)

const Result = v.variant('status', [
  v.object({ status: v.literal('created'), id: v.pipe(v.string(), v.uuid()) }),
  v.object({ status: v.literal('exists') }),
  v.object({ status: v.literal('refused'), code: v.picklist(['unknown_user', 'unknown_hmac_key']) }),
])

export const importApiKeys = operation(
  {
    id: 'importApiKeys',
    method: 'POST',
    path: '/v1/admin/api-keys/import',
    body: v.strictObject({
      keys: v.pipe(v.array(Entry), v.minLength(1, 'too_short'), v.maxLength(100, 'too_many')),
    }),
    answers: { 200: v.object({ results: v.array(Result) }) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:api-keys:import',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body }) => {
    const scopes = [...new Set(body.keys.flatMap((entry) => entry.scopes))]
    const caller = await requireCaller(ctx, headers, 'importApiKeys', { ...demands, scopes })
    if (isRefusal(caller)) return caller
    const declared = caller.tenant.policy.api_key_scopes
    const errors = body.keys.flatMap((entry, at) =>
      entry.scopes.every((scope) => declared.includes(scope))
        ? []
        : [{ pointer: `/keys/${at}/scopes`, code: 'unknown_scope' }],
    )
    if (errors.length > 0) return refuse('invalid_input', { errors })
    const keys: NewForeignKey[] = body.keys.map((entry) => ({
      ...readForeignKey(ctx, entry),
      userId: entry.user_id ?? null,
    }))
    const inserted = await insertForeignKeys(ctx, caller, keys)
    const refused = refuseUnless(inserted, caller)
    if (refused) return refused
    const results = keys.map(({ id }): v.InferOutput<typeof Result> => {
      if (inserted.created.includes(id)) return { status: 'created', id }
      if (inserted.unowned.includes(id)) return { status: 'refused', code: 'unknown_user' }
      return inserted.unhashed.includes(id)
        ? { status: 'refused', code: 'unknown_hmac_key' }
        : { status: 'exists' }
    })
    return Response.json({ results })
  },
)
