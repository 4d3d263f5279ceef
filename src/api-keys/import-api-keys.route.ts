/**
 * POST /v1/admin/api-keys/import — Import up to 100 API keys of another system by their hashes, so that their holders need
 * not change them. The answer says of each whether it was created, existed already or was refused. Safe to repeat.
 */
import * as v from 'valibot'
import { fromBase64 } from '../crypto/base64.ts'
import { newId } from '../events/outbox.ts'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { DisplayName, Instant, text, UUID } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { Scope } from './api-key-answer.ts'
import { insertForeignKeys, type NewForeignKey } from './import-store.ts'

/** SHA-256 of the whole key, with its prefix: 64 hexadecimal digits, or base64 or base64url of the 32 bytes. */
const Sha256 = v.pipe(
  text(80),
  v.transform(hexOf),
  v.check((hex) => hex !== '', 'malformed_hash'),
)

function hexOf(hash: string): string {
  if (/^[0-9a-f]{64}$/i.test(hash)) return hash.toLowerCase()
  const bytes = fromBase64(hash.replace(/=$/, '').replaceAll('-', '+').replaceAll('_', '/'))
  if (bytes?.length !== 32) return ''
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const Entry = v.strictObject({
  sha256: Sha256,
  name: DisplayName,
  scopes: v.pipe(v.array(Scope), v.minLength(1, 'too_short'), v.maxLength(100, 'too_many')),
  /** Whose it is; of the tenant unless given. */
  user_id: v.optional(v.pipe(v.string(), v.regex(UUID, 'invalid_id'))),
  expires_at: v.optional(Instant),
})

const Result = v.variant('status', [
  v.object({ status: v.literal('created'), id: v.pipe(v.string(), v.uuid()) }),
  v.object({ status: v.literal('exists') }),
  v.object({ status: v.literal('refused'), code: v.literal('unknown_user') }),
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
      id: newId(ctx),
      eventId: newId(ctx),
      userId: entry.user_id ?? null,
      name: entry.name,
      scopes: [...new Set(entry.scopes)],
      hash: entry.sha256,
      expiresAt: entry.expires_at ?? null,
    }))
    const inserted = await insertForeignKeys(ctx, caller, keys)
    const refused = refuseUnless(inserted, caller)
    if (refused) return refused
    const results = keys.map(({ id }): v.InferOutput<typeof Result> => {
      if (inserted.created.includes(id)) return { status: 'created', id }
      return inserted.unowned.includes(id)
        ? { status: 'refused', code: 'unknown_user' }
        : { status: 'exists' }
    })
    return Response.json({ results })
  },
)
