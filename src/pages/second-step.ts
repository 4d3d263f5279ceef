/** The second step of a sign-in, as the page of the first one shows it: the token is in a hidden field and nowhere else. */
import type { Context } from '../context.ts'
import type { KeyedWorker } from '../keys/auth-keys.ts'
import { mailCode } from '../mfa/email-code.ts'
import { isTotpCode } from '../mfa/totp.ts'
import { verifySecondFactor } from '../mfa/verify.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import type { Challenged } from '../sign-in/start.ts'
import { type Asked, show } from './hosted.ts'
import { NOTHING_WRONG, type Screen } from './screen.ts'

/** Which factor a typed code is of, is seen by its form; a mailed one is offered only where the account has no factor. */
export function verifyCode(
  ctx: Context,
  { mfaToken, methods }: Pick<StepData, 'mfaToken' | 'methods'>,
  typed: string,
  worker: KeyedWorker,
) {
  const code = typed.trim()
  const ofAccount = isTotpCode(code) ? 'totp' : 'recovery_code'
  const method = methods.includes('email_code') ? 'email_code' : ofAccount
  return verifySecondFactor(ctx, mfaToken, { method, code }, { worker })
}

export type StepData = Pick<Challenged, 'demand'> & { mfaToken: string; methods: readonly string[] }

export const STEP_PATH = '/sign-in/second-step'
export const viewStep = async (screen: Screen, data: StepData) =>
  (await import('./views/second-step.tsx')).secondStep(screen, data)

/** The page of the second step, in answer to the first. A code that is to come by mail is sent now: one trip more to each. */
export async function showChallenge(
  asked: Asked,
  { mfaToken, demand, methods }: StepData,
): Promise<Response | Refusal> {
  const mailed = methods.includes('email_code') ? await mailCode(asked.ctx, mfaToken) : null
  if (isRefusal(mailed)) return mailed
  return show(
    { path: STEP_PATH, view: viewStep },
    asked,
    { mfaToken, demand, methods },
    { status: 200, wrong: NOTHING_WRONG },
  )
}

/** What the page of the first step knew of the account: it is shown again with what is wrong. */
export const methodsIn = (text = ''): string[] => text.split(' ').filter((method) => /^[a-z_]+$/.test(method))
