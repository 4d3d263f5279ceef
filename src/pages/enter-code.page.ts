/** /sign-in/code/enter — Sign in with a mailed code. The page that sends the code shows it. */
import * as v from 'valibot'
import { EmailAddress } from '../accounts/accounts.ts'
import { redeemCode, TypedCode } from '../addresses/sign-in.ts'
import { CODE_PATH, type CodeData, viewCode } from './code-field.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { goOn } from './on.ts'
import { showChallenge } from './second-step.ts'

export const enterCodePage = hostedPage('enterCodePage', {
  path: CODE_PATH,
  form: v.strictObject({ ...FORM_FIELDS, email: EmailAddress, code: TypedCode }),
  limits: 'verifySignInCode',
  refusals: ['invalid_code', 'second_factor_required'],
  budget: { redis: 1, postgres: 2 },
  shownBudget: { postgres: 0 },
  load: async ({ ctx, flow }): Promise<CodeData | Response> => {
    const email = ctx.posted.get('email')
    return email === undefined ? seeOther(`/sign-in/code${queryOf(flow)}`) : { email }
  },
  view: viewCode,
  take: async (asked) => {
    const refused = await requireFormToken(asked, asked.form)
    if (refused) return refused
    const begun = await redeemCode(asked.ctx, asked.headers, asked.form)
    return goOn(asked, begun, (challenged) => showChallenge(asked, challenged))
  },
})
