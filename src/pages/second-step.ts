/** The second step of a sign-in, as the page of the first one shows it: the token is in a hidden field and nowhere else. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { text } from '../http/input.ts'
import { mailCode } from '../mfa/email-code.ts'
import { isTotpCode } from '../mfa/totp.ts'
import { verifySecondFactor } from '../mfa/verify.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import type { Challenged } from '../sign-in/start.ts'
import { queryOf } from './flow.ts'
import { type Asked, seeOther, show } from './hosted.ts'
import { NOTHING_WRONG, type Screen } from './screen.ts'

/** Which factor a typed code is of, is seen by its form; a mailed one is offered only where the account has no factor. */
export function verifyCode(
  ctx: Context,
  { mfaToken, methods }: Pick<Step, 'mfaToken' | 'methods'>,
  typed: string,
  { trust }: { trust: boolean },
) {
  const code = typed.trim()
  const ofAccount = isTotpCode(code) ? 'totp' : 'recovery_code'
  const method = methods.includes('email_code') ? 'email_code' : ofAccount
  return verifySecondFactor(ctx, mfaToken, { method, code }, { worker: 'pages', trust })
}

export type Step = Pick<Challenged, 'demand'> & { mfaToken: string; methods: readonly string[] }

/** @param mayTrust whether the page offers to trust this browser; the operation decides */
export type StepData = Step & { mayTrust: boolean }

/** Of both forms of the second step: the checkbox, and what the page of the first step knew, so that it can be shown again. */
export const STEP_FIELDS = {
  mfa_token: text(200),
  methods: v.optional(text(100)),
  trust_device: v.optional(v.literal('on')),
}

export const STEP_PATH = '/sign-in/second-step'
export const viewStep = async (screen: Screen, data: StepData) =>
  (await import('./views/second-step.tsx')).secondStep(screen, data)

const dataOf = ({ tenant }: Context, step: Step): StepData => ({
  ...step,
  mayTrust: tenant.trustsDevices && step.demand === 'verify' && !step.methods.includes('email_code'),
})

/** For a form of the second step that was refused: the page again. A look at its address leads to the first step. */
export async function loadStep({ ctx, flow }: Asked): Promise<StepData | Response> {
  const mfaToken = ctx.posted.get('mfa_token')
  if (mfaToken === undefined) return seeOther(`/sign-in${queryOf(flow)}`)
  return dataOf(ctx, { mfaToken, demand: 'verify', methods: methodsIn(ctx.posted.get('methods')) })
}

/** The page of the second step, in answer to the first. A code that is to come by mail is sent now: one trip more to each. */
export async function showChallenge(
  asked: Asked,
  { mfaToken, demand, methods }: Step,
): Promise<Response | Refusal> {
  const mailed = methods.includes('email_code') ? await mailCode(asked.ctx, mfaToken) : null
  if (isRefusal(mailed)) return mailed
  return show({ path: STEP_PATH, view: viewStep }, asked, dataOf(asked.ctx, { mfaToken, demand, methods }), {
    status: 200,
    wrong: NOTHING_WRONG,
  })
}

/** What the page of the first step knew of the account: it is shown again with what is wrong. */
export const methodsIn = (text = ''): string[] => text.split(' ').filter((method) => /^[a-z_]+$/.test(method))
