/**
 * GET /v1/oauth/{provider}/start — sends a browser to the provider; it returns to `redirect_uri`. Pages whose origin the tenant
 * allows get cookies; an app elsewhere sends the `code_challenge` (S256) of what it will exchange its code with.
 */
import * as v from 'valibot'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { StartFields, startSignIn } from './start.ts'

export const startSocialSignIn = operation(
  {
    id: 'startSocialSignIn',
    method: 'GET',
    path: '/v1/oauth/:provider/start',
    query: v.strictObject(StartFields),
    answers: { 302: null },
    answerHeaders: ['location', 'set-cookie'],
    refusals: ['not_found'],
    caller: 'anyone',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { provider }, query }) => {
    const started = await startSignIn(ctx, headers, provider, query)
    if (isRefusal(started)) return started
    return new Response(null, {
      status: 302,
      headers: { location: started.url, 'set-cookie': started.cookie },
    })
  },
)
