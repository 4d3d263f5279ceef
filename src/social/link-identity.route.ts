/**
 * POST /v1/oauth/{provider}/link — where a signed-in person's browser goes to link an account at the provider, and a cookie that
 * ties that to it. It returns to `redirect_uri` with `linked=true`, or with an `error`.
 */
import * as v from 'valibot'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { StartFields, startLink } from './start.ts'

const { redirect_uri, app_state } = StartFields

export const linkIdentity = operation(
  {
    id: 'linkIdentity',
    method: 'POST',
    path: '/v1/oauth/:provider/link',
    body: v.strictObject({ redirect_uri, app_state }),
    answers: { 200: v.object({ authorization_url: v.string() }) },
    answerHeaders: ['set-cookie'],
    refusals: ['not_found'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { provider }, body }) => {
    const started = await startLink(ctx, headers, provider, body)
    if (isRefusal(started)) return started
    return Response.json({ authorization_url: started.url }, { headers: { 'set-cookie': started.cookie } })
  },
)
