/** PATCH /v1/admin/providers/{id} — changes what is given; `enabled: false` refuses flows that are under way, too. */
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { changeProvider } from './provider-store.ts'
import { ProviderAnswer, ProviderChange, presentProvider, sealSecret } from './providers.ts'

export const updateProvider = operation(
  {
    id: 'updateProvider',
    method: 'PATCH',
    path: '/v1/admin/providers/:id',
    body: ProviderChange,
    answers: { 200: ProviderAnswer },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:providers:write',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params, body }) => {
    const caller = await requireCaller(ctx, headers, 'updateProvider', demands)
    if (isRefusal(caller)) return caller
    const id = pathId(params.id)
    const { client_secret: secret } = body
    const outcome = await changeProvider(ctx, caller, id, {
      ...(body.name !== undefined && { name: body.name }),
      ...(body.client_id !== undefined && { clientId: body.client_id }),
      ...(secret !== undefined && { sealedSecret: await sealSecret(ctx, id, secret) }),
      ...(body.scopes !== undefined && { scopes: body.scopes }),
      ...(body.allowed_domains !== undefined && { allowedDomains: body.allowed_domains }),
      ...(body.may_register !== undefined && { mayRegister: body.may_register }),
      ...(body.link_policy !== undefined && { linkPolicy: body.link_policy }),
      ...(body.trusts_assurance !== undefined && { trustsAssurance: body.trusts_assurance }),
      ...(body.enabled !== undefined && { enabled: body.enabled }),
    })
    const refused = refuseUnless(outcome, caller)
    if (refused) return refused
    return outcome.found ? Response.json(presentProvider(ctx, outcome.found)) : refuse('not_found')
  },
)
