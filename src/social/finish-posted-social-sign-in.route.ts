/** POST /v1/oauth/{provider}/callback — the same for a provider whose page posts its answer (`form_post`), as Apple's does. */
import { operation } from '../operation.ts'
import { CallbackFields, finishFlow } from './callback.ts'

export const finishPostedSocialSignIn = operation(
  {
    id: 'finishPostedSocialSignIn',
    method: 'POST',
    path: '/v1/oauth/:provider/callback',
    form: CallbackFields,
    formIsForeign: true,
    answers: { 303: null },
    answerHeaders: ['location', 'set-cookie'],
    refusals: [
      'invalid_oauth_state',
      'invalid_token',
      'insufficient_user_authentication',
      'second_factor_required',
    ],
    caller: 'anyone',
    limits: 'finishSocialSignIn',
    budget: { redis: 1, postgres: 2 },
  },
  ({ ctx, headers, params: { provider }, body }) =>
    finishFlow(ctx, headers, provider, body, { isPosted: true }),
)
