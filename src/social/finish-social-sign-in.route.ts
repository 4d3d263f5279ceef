/** GET /v1/oauth/{provider}/callback — where a provider sends the browser back to; it goes on to the app's `redirect_uri`. */
import { operation } from '../operation.ts'
import { CallbackFields, finishFlow } from './callback.ts'

export const finishSocialSignIn = operation(
  {
    id: 'finishSocialSignIn',
    method: 'GET',
    path: '/v1/oauth/:provider/callback',
    query: CallbackFields,
    answers: { 303: null },
    answerHeaders: ['location', 'set-cookie'],
    refusals: [
      'invalid_oauth_state',
      'invalid_token',
      'insufficient_user_authentication',
      'second_factor_required',
    ],
    caller: 'anyone',
    budget: { redis: 1, postgres: 2 },
  },
  ({ ctx, headers, params: { provider }, query }) =>
    finishFlow(ctx, headers, provider, query, { isPosted: false }),
)
