/** The operations of the account's life (passwords, addresses), as test/faults/operations.ts has the others. */
import { randomUUID } from 'node:crypto'
import type { LimitedOperation } from '../../src/limits/limits.ts'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { newEmail, PASSWORD } from '../support/client.ts'
import { type Mailed, plantToken } from '../support/mailed.ts'
import {
  type Attempt,
  askFacts,
  browser,
  type FaultedOperation,
  factsOfReading,
  newBearer,
  newCaller,
  reading,
  type Stage,
  tokensIn,
  writing,
} from './callers.ts'

const NEW_PASSWORD = 'another battery staple'
/** What was used up is not there for the next call. */
const once = { ...writing, repeats: false }

const consumed = `exists (select from one_time_tokens where id = $2 and user_id = $1 and consumed_at is not null)`
const recorded = (type: string) => `exists (select from events where type = '${type}' and subject = $1)`

export const ACCOUNT_OPERATIONS = {
  forgotPassword: [
    {
      ...writing,
      title: 'forgotPassword',
      prepare: toRequest('/v1/password/forgot', 'password.reset_requested'),
    },
  ],
  resendVerification: [
    {
      ...writing,
      title: 'resendVerification',
      prepare: toRequest('/v1/email/resend', 'email.verification_requested'),
    },
  ],
  requestSignInCode: [
    {
      ...writing,
      title: 'requestSignInCode',
      prepare: toRequest('/v1/email/code', 'email.sign_in_requested', /^__Host-latchkey-challenge=/),
    },
  ],
  requestEmailChange: [{ ...writing, title: 'requestEmailChange', prepare: toRequestChange }],
  resetPassword: [
    {
      ...once,
      title: 'resetPassword',
      prepare: toRedeem('/v1/password/reset', 'reset_password', {
        body: ({ token }) => ({ token, password: NEW_PASSWORD }),
        success: { status: 204 },
        facts: {
          consumed,
          changed: recorded('password.changed'),
          ended: `not exists (select from sessions where user_id = $1 and revoked_at is null)`,
          proved: 'exists (select from users where id = $1 and email_verified_at is not null)',
        },
      }),
    },
  ],
  verifyEmail: [
    {
      ...once,
      title: 'verifyEmail',
      prepare: toRedeem('/v1/email/verify', 'verify_email', {
        body: ({ token }) => ({ token, password: PASSWORD }),
        success: { status: 200, body: { status: 'verified', password: 'kept' } },
        facts: {
          consumed,
          verified: recorded('email.verified'),
          proved: 'exists (select from users where id = $1 and email_verified_at is not null)',
        },
      }),
    },
  ],
  acceptInvitation: [
    {
      ...once,
      title: 'acceptInvitation',
      prepare: toRedeem('/v1/invitations/accept', 'invitation', {
        body: ({ token }) => ({ token, password: NEW_PASSWORD }),
        success: { status: 204 },
        facts: {
          consumed,
          changed: recorded('password.changed'),
          verified: recorded('email.verified'),
          ended: `not exists (select from sessions where user_id = $1 and revoked_at is null)`,
        },
      }),
    },
  ],
  confirmEmailChange: [
    {
      ...once,
      title: 'confirmEmailChange',
      prepare: toRedeem('/v1/email/change/confirm', 'change_email_old', {
        success: { status: 200, body: { status: 'waiting' } },
        facts: { consumed },
      }),
    },
  ],
  revertEmailChange: [
    {
      ...once,
      title: 'revertEmailChange',
      prepare: toRedeem('/v1/email/change/revert', 'revert_email', {
        success: { status: 204 },
        facts: {
          consumed,
          reverted: recorded('email.reverted'),
          ended: `not exists (select from sessions where user_id = $1 and revoked_at is null)`,
        },
      }),
    },
  ],
  verifySignInLink: [
    {
      ...once,
      title: 'verifySignInLink',
      prepare: toRedeem('/v1/email/link/verify', 'sign_in', {
        success: { status: 200, ...tokensIn('token') },
        facts: { consumed, started: recorded('session.started') },
      }),
    },
  ],
  verifySignInCode: [
    {
      ...once,
      title: 'verifySignInCode',
      prepare: toRedeem('/v1/email/code/verify', 'sign_in', {
        body: ({ code }, email) => ({ email, code }),
        success: { status: 200, ...tokensIn('token') },
        facts: { consumed, started: recorded('session.started') },
      }),
    },
  ],
  exportMe: [{ ...reading, title: 'exportMe', prepare: toExport }],
  deleteMe: [{ ...once, title: 'deleteMe', prepare: toDelete }],
  restoreMe: [
    {
      ...once,
      title: 'restoreMe',
      prepare: toRedeem('/v1/me/restore', 'restore_account', {
        success: { status: 204 },
        facts: {
          consumed,
          restored: recorded('user.restored'),
          open: 'exists (select from users where id = $1 and deleted_at is null)',
          ended: `not exists (select from sessions where user_id = $1 and revoked_at is null)`,
        },
      }),
    },
  ],
  changePassword: [
    {
      ...once,
      title: 'changePassword',
      prepare: toConfirm(
        '/v1/password/change',
        { current_password: PASSWORD, new_password: NEW_PASSWORD },
        'password.changed',
      ),
    },
  ],
  confirmPassword: [
    {
      ...writing,
      title: 'confirmPassword',
      prepare: toConfirm('/v1/password/confirm', { password: PASSWORD }, 'session.confirmed'),
    },
  ],
} satisfies Partial<Record<LimitedOperation, FaultedOperation[]>>

function toRequest(path: string, event: string, cookie?: RegExp) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, email, userId } = await newCaller(stage)
    return {
      call: () => client.call(path, { json: { email } }),
      success: { status: 202, ...(cookie && { cookie }) },
      facts: () =>
        askFacts(
          stage.patient,
          {
            issued: 'exists (select from one_time_tokens where user_id = $1)',
            recorded: recorded(event),
          },
          [userId],
        ),
    }
  }
}

async function toExport(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  return {
    call: () => client.call('/v1/me/export', { bearer: tokens.access_token }),
    success: { status: 200, body: { schema: 'latchkey.export.v1', account: { id: tokens.user.id } } },
    facts: factsOfReading,
  }
}

async function toDelete(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  return {
    call: () => client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token }),
    success: { status: 204 },
    facts: () =>
      askFacts(
        stage.patient,
        {
          closed: 'exists (select from users where id = $1 and deleted_at is not null)',
          ended: `not exists (select from sessions where user_id = $1 and revoke_reason is distinct from 'closed')`,
          locked_out: 'not exists (select from passwords where user_id = $1)',
          way_back: `exists (select from one_time_tokens where user_id = $1 and purpose = 'restore_account')`,
          recorded: recorded('user.deleted'),
        },
        [tokens.user.id],
      ),
  }
}

async function toRequestChange(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  return {
    call: () => client.call('/v1/email/change', { bearer: tokens.access_token, json: { email: newEmail() } }),
    success: { status: 202 },
    facts: () =>
      askFacts(
        stage.patient,
        {
          both: '2 = (select count(*) from one_time_tokens where user_id = $1)',
          old: recorded('email.change_requested'),
          new: recorded('email.change_confirmation_requested'),
        },
        [tokens.user.id],
      ),
  }
}

type Redeeming = {
  body?: (mailed: Mailed, email: string) => Record<string, unknown>
  success: Attempt['success']
  /** About the account `$1` and the token `$2`. */
  facts: Record<string, string>
}

function toRedeem(
  path: string,
  purpose: OneTimePurpose,
  { body = ({ token }) => ({ token }), success, facts }: Redeeming,
) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, email, userId } = await newCaller(stage)
    const mailed = await plantToken(
      stage.patient,
      purpose,
      {
        user: { id: userId, email, email_verified: false, name: null, roles: [] },
      },
      { flowId: randomUUID(), closed: purpose === 'restore_account' },
    )
    const headers = { ...browser, cookie: mailed.cookie }
    const isLink = path === '/v1/email/link/verify'
    return {
      call: () => client.call(path, { json: body(mailed, email), ...(isLink && { headers }) }),
      success: isLink ? { ...success, cookie: /^__Host-latchkey-/ } : success,
      facts: () => askFacts(stage.patient, facts, [userId, mailed.id]),
    }
  }
}

function toConfirm(path: string, json: Record<string, unknown>, event: string) {
  return async (stage: Stage): Promise<Attempt> => {
    const { client, tokens } = await newBearer(stage)
    return {
      call: () => client.call(path, { bearer: tokens.access_token, json }),
      success: { status: 200, body: { access_token: tokensIn('token').body.access_token } },
      facts: () =>
        askFacts(
          stage.patient,
          {
            recorded: recorded(event),
            fresh: 'exists (select from sessions where user_id = $1 and auth_time > created_at)',
          },
          [tokens.user.id],
        ),
    }
  }
}
