/**
 * POST /v1/oauth/{provider}/step-up — where a signed-in person's browser goes to authenticate again (RFC 9470), at a provider whose
 * word counts for that (`trusts_assurance`), and a cookie that ties that to it. It returns to `redirect_uri` with `stepped_up=true`:
 * the next token says it. Or with an `error`.
 */
import * as v from 'valibot'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { StartFields, startStepUp } from './start.ts'

const { redirect_uri, app_state } = StartFields

export const stepUpAtProvider = operation(
  {
    id: 'stepUpAtProvider',
    method: 'POST',
    path: '/v1/oauth/:provider/step-up',
    body: v.strictObject({ redirect_uri, app_state }),
    answers: { 200: v.object({ authorization_url: v.string() }) },
    answerHeaders: ['set-cookie'],
    refusals: ['not_found'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { provider }, body }) => {
    const started = await startStepUp(ctx, headers, provider, body)
    if (isRefusal(started)) return started
    return Response.json({ authorization_url: started.url }, { headers: { 'set-cookie': started.cookie } })
  },
)
