/**
 * PATCH /v1/admin/tenant — Change the name of the tenant and those of its settings that administrators may change; null is the
 * default again. `turnstile` sets the widget of Cloudflare Turnstile, whose secret is in no answer. What is read at once counts at once; what the edge keeps, within ten minutes.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { ADMIN } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { SettingChanges } from '../tenants/admin-settings.ts'
import { isTenantName } from '../tenants/names.ts'
import { SITE_KEY } from '../tenants/tenants.ts'
import { sealTurnstileSecret } from '../turnstile/turnstile.ts'
import { answerChanged, TenantAnswer } from './tenant.ts'
import { changeTenant } from './tenant-store.ts'
import { Reason } from './users.ts'

const TenantName = v.pipe(text(100), v.check(isTenantName, 'invalid_characters'))

/** A widget of Cloudflare Turnstile, with what Cloudflare knows it by; null takes it away. */
const Turnstile = v.strictObject({
  site_key: v.pipe(v.string(), v.regex(SITE_KEY, 'invalid_characters')),
  secret: v.pipe(text(200), v.regex(/^[!-~]+$/, 'invalid_characters')),
  when_unreachable: v.optional(v.picklist(['refuse', 'pass']), 'refuse'),
})

export const updateTenant = operation(
  {
    id: 'updateTenant',
    method: 'PATCH',
    path: '/v1/admin/tenant',
    body: v.pipe(
      v.strictObject({
        name: v.exactOptional(TenantName),
        settings: v.exactOptional(SettingChanges),
        turnstile: v.exactOptional(v.nullable(Turnstile)),
        reason: Reason,
      }),
      v.check(
        ({ name, settings = {}, turnstile }) =>
          name !== undefined || turnstile !== undefined || Object.keys(settings).length > 0,
        'missing',
      ),
    ),
    answers: { 200: TenantAnswer },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:tenant:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body: { name = null, settings = {}, turnstile, reason } }) => {
    const caller = await requireCaller(ctx, headers, 'updateTenant', { ...demands, role: ADMIN })
    if (isRefusal(caller)) return caller
    const widget = turnstile && {
      siteKey: turnstile.site_key,
      sealedSecret: await sealTurnstileSecret(ctx, caller.tenant.id, turnstile.secret),
      whenUnreachable: turnstile.when_unreachable,
    }
    const outcome = await changeTenant(ctx, caller, { name, settings, widget }, reason)
    return answerChanged(ctx, caller, outcome)
  },
)
