/**
 * POST /v1/api-keys/verify — whether a key that your API was given counts, whose it is and what for. One trip and no write. Whatever
 * is wrong with a key, the answer is the same; what is not even one costs no trip. A key of another system that was imported by
 * its HMAC costs a second trip at its first use.
 */
import * as v from 'valibot'
import { hashApiKey, parseApiKey, parseForeignKey } from '../guard/api-key.ts'
import { findKey, noteUse } from '../guard/key-store.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { text } from '../http/input.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { OwnerKind, Scope } from './api-key-answer.ts'
import { findAtFirstUse } from './foreign-secrets.ts'

const Verified = v.object({
  valid: v.literal(true),
  key_id: v.pipe(v.string(), v.uuid()),
  /** `id` is that of the account, or of the tenant. */
  owner: v.object({ type: OwnerKind, id: v.pipe(v.string(), v.uuid()) }),
  scopes: v.array(v.string()),
  expires_at: v.nullable(AnsweredInstant),
})

export const verifyApiKey = operation(
  {
    id: 'verifyApiKey',
    method: 'POST',
    path: '/v1/api-keys/verify',
    body: v.strictObject({
      key: text(200),
      /** Which it must all have. */
      scopes: v.optional(v.pipe(v.array(Scope), v.maxLength(100, 'too_many')), []),
    }),
    answers: { 200: v.variant('valid', [Verified, v.object({ valid: v.literal(false) })]) },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, body: { key, scopes: wanted } }) => {
    const own = parseApiKey(key)
    const foreign = own ? null : parseForeignKey(key)
    const presented = own?.key ?? foreign
    if (presented === null) return Response.json({ valid: false })
    const hash = await hashApiKey(presented)
    // Side by side: nothing is written, and nothing is told of a key that is over its limit.
    const [limited, [first]] = await Promise.all([
      checkLimits(ctx, 'verifyApiKey', { token: presented }),
      findKey(ctx, own?.id ?? null, [hash]),
    ])
    if (limited) return limited
    const tenant = requireTenant(ctx, first?.tenant)
    if (isRefusal(tenant)) return tenant
    const isUnknown = foreign !== null && first?.key === null
    const row = isUnknown ? await findAtFirstUse(ctx, foreign, { hash, secrets: first.secrets }) : first
    const found = row?.isOwned ? row.key : null
    if (!row || !found || !wanted.every((scope) => row.scopes.includes(scope)))
      return Response.json({ valid: false })
    if (row.isUseDue) ctx.defer(noteUse(ctx, found.id))
    const { id, userId, expiresAt } = found
    return Response.json({
      valid: true,
      key_id: id,
      owner: userId === null ? { type: 'tenant', id: tenant.id } : { type: 'user', id: userId },
      scopes: row.scopes,
      expires_at: expiresAt && instant(expiresAt),
    })
  },
)
