/** The operations of src/mfa/, as test/faults/operations.ts has the others. */
import { expect } from 'vitest'
import type { LimitedOperation } from '../../src/limits/limits.ts'
import { codeAt, type PlantedFactor, plantFactor } from '../support/authenticator.ts'
import { plantMailable } from '../support/email-code.ts'
import {
  type Attempt,
  askFacts,
  type FaultedOperation,
  factsOfReading,
  newBearer,
  reading,
  type Stage,
  tokensIn,
  writing,
} from './callers.ts'

const recorded = (type: string) => `exists (select from events where type = '${type}' and subject = $1)`
const isCodeUsed = 'exists (select from totp_factors where user_id = $1 and last_used_step > 0)'
const RECOVERY_CODES = { recovery_codes: expect.arrayContaining([expect.any(String)]) }

type Call = {
  method: string
  path: string
  json?: (factor: PlantedFactor) => Record<string, unknown>
  isBearer?: boolean
  isConfirmed?: boolean
  purpose?: 'sign_in' | 'enrol'
  success: Attempt['success']
  facts: Record<string, string> | ((factor: PlantedFactor) => Record<string, string>)
}

const toCall =
  ({ method, path, json, isBearer = true, isConfirmed = true, purpose = 'sign_in', success, facts }: Call) =>
  async (stage: Stage): Promise<Attempt> => {
    const { client, tokens } = await newBearer(stage)
    const factor = await plantFactor(stage.patient, tokens, { isConfirmed, purpose })
    const options = {
      method,
      ...(json && { json: json(factor) }),
      ...(isBearer && { bearer: tokens.access_token }),
    }
    return {
      call: () => client.call(path, options),
      success,
      facts: () =>
        askFacts(stage.patient, typeof facts === 'function' ? facts(factor) : facts, [tokens.user.id]),
    }
  }

/** Of an account that trusts one browser. */
async function toCallTrusted(
  stage: Stage,
  method: string,
  below: string,
  success: Attempt['success'],
): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { id } = await client.plantedTrust(tokens)
  const path = `/v1/mfa/trusted-devices${below.replace(':id', id)}`
  const facts = {
    gone: 'not exists (select from trusted_devices where user_id = $1)',
    recorded: recorded('trusted_device.removed'),
  }
  return {
    call: () => client.call(path, { method, bearer: tokens.access_token }),
    success,
    facts: () => askFacts(stage.patient, facts, [tokens.user.id]),
  }
}

export const MFA_OPERATIONS = {
  verifyMfa: [
    {
      ...writing,
      title: 'verifyMfa',
      repeats: false,
      prepare: toCall({
        method: 'POST',
        path: '/v1/mfa/verify',
        json: ({ mfaToken, secret }) => ({ mfa_token: mfaToken, method: 'totp', code: codeAt(secret) }),
        isBearer: false,
        success: { status: 200, ...tokensIn('token') },
        facts: {
          consumed: 'exists (select from mfa_challenges where user_id = $1 and consumed_at is not null)',
          used: isCodeUsed,
          started: 'exists (select from sessions where user_id = $1 and aal = 2)',
          recorded: recorded('session.started'),
        },
      }),
    },
  ],
  requestEmailCode: [
    {
      ...writing,
      title: 'requestEmailCode',
      prepare: async (stage) => {
        const { client, tokens } = await newBearer(stage)
        const mfa_token = await plantMailable(stage.patient, tokens.user.id)
        const facts = {
          asked: 'exists (select from mfa_challenges where user_id = $1 and code_id is not null)',
          recorded: recorded('second_factor.code_requested'),
        }
        return {
          call: () => client.call('/v1/mfa/email-code', { json: { mfa_token } }),
          success: { status: 202, body: { status: 'code_sent' } },
          facts: () => askFacts(stage.patient, facts, [tokens.user.id]),
        }
      },
    },
  ],
  enrolTotp: [
    {
      ...writing,
      title: 'enrolTotp',
      prepare: toCall({
        method: 'POST',
        path: '/v1/mfa/enrol',
        json: ({ mfaToken }) => ({ mfa_token: mfaToken }),
        isBearer: false,
        isConfirmed: false,
        purpose: 'enrol',
        success: { status: 201, body: { secret: expect.any(String) } },
        // One that was never confirmed is there already; a new one takes its place.
        facts: ({ factorId }) => ({
          replaced: `exists (select from totp_factors where user_id = $1 and id <> '${factorId}')`,
        }),
      }),
    },
  ],
  confirmEnrolment: [
    {
      ...writing,
      title: 'confirmEnrolment',
      repeats: false,
      prepare: toCall({
        method: 'POST',
        path: '/v1/mfa/enrol/confirm',
        json: ({ mfaToken, factorId, secret }) => ({
          mfa_token: mfaToken,
          factor_id: factorId,
          code: codeAt(secret),
        }),
        isBearer: false,
        isConfirmed: false,
        purpose: 'enrol',
        success: { status: 200, body: { ...tokensIn('token').body, ...RECOVERY_CODES } },
        facts: {
          confirmed: 'exists (select from totp_factors where user_id = $1 and confirmed_at is not null)',
          consumed: 'exists (select from mfa_challenges where user_id = $1 and consumed_at is not null)',
          started: 'exists (select from sessions where user_id = $1 and aal = 2)',
          recorded: recorded('second_factor.added'),
        },
      }),
    },
  ],
  stepUp: [
    {
      ...writing,
      title: 'stepUp',
      repeats: false,
      prepare: toCall({
        method: 'POST',
        path: '/v1/mfa/step-up',
        json: ({ secret }) => ({ method: 'totp', code: codeAt(secret) }),
        success: { status: 200, body: { access_token: tokensIn('token').body.access_token } },
        facts: {
          used: isCodeUsed,
          raised: 'exists (select from sessions where user_id = $1 and aal = 2)',
          recorded: recorded('session.confirmed'),
        },
      }),
    },
  ],
  listFactors: [
    {
      ...reading,
      title: 'listFactors',
      prepare: async (stage) => ({
        ...(await toCall({
          method: 'GET',
          path: '/v1/mfa',
          success: { status: 200, body: { recovery_codes_left: 0 } },
          facts: {},
        })(stage)),
        facts: factsOfReading,
      }),
    },
  ],
  addTotp: [
    {
      ...writing,
      title: 'addTotp',
      prepare: toCall({
        method: 'POST',
        path: '/v1/mfa/totp',
        success: { status: 201, body: { secret: expect.any(String) } },
        facts: { added: 'exists (select from totp_factors where user_id = $1 and confirmed_at is null)' },
      }),
    },
  ],
  confirmTotp: [
    {
      ...writing,
      title: 'confirmTotp',
      repeats: false,
      prepare: toCall({
        method: 'POST',
        path: '/v1/mfa/totp/confirm',
        json: ({ factorId, secret }) => ({ factor_id: factorId, code: codeAt(secret) }),
        isConfirmed: false,
        success: { status: 200, body: RECOVERY_CODES },
        facts: {
          confirmed: 'exists (select from totp_factors where user_id = $1 and confirmed_at is not null)',
          counted: 'exists (select from users where id = $1 and second_factor_since is not null)',
          codes: '(select count(*) = 10 from recovery_codes where user_id = $1)',
          recorded: recorded('second_factor.added'),
        },
      }),
    },
  ],
  removeTotp: [
    {
      ...writing,
      title: 'removeTotp',
      repeats: false,
      prepare: toCall({
        method: 'DELETE',
        path: '/v1/mfa/totp',
        success: { status: 204 },
        facts: {
          gone: 'not exists (select from totp_factors where user_id = $1)',
          uncounted: 'exists (select from users where id = $1 and second_factor_since is null)',
          recorded: recorded('second_factor.removed'),
        },
      }),
    },
  ],
  replaceRecoveryCodes: [
    {
      ...writing,
      title: 'replaceRecoveryCodes',
      prepare: toCall({
        method: 'POST',
        path: '/v1/mfa/recovery-codes',
        success: { status: 200, body: RECOVERY_CODES },
        facts: {
          codes: '(select count(*) = 10 from recovery_codes where user_id = $1)',
          recorded: recorded('recovery_codes.replaced'),
        },
      }),
    },
  ],
  listTrustedDevices: [
    {
      ...reading,
      title: 'listTrustedDevices',
      prepare: async (stage) => ({
        ...(await toCallTrusted(stage, 'GET', '', { status: 200, body: { next_cursor: null } })),
        facts: factsOfReading,
      }),
    },
  ],
  removeTrustedDevice: [
    {
      ...writing,
      repeats: false,
      title: 'removeTrustedDevice',
      prepare: (stage) => toCallTrusted(stage, 'DELETE', '/:id', { status: 204 }),
    },
  ],
  removeTrustedDevices: [
    {
      ...writing,
      title: 'removeTrustedDevices',
      prepare: (stage) => toCallTrusted(stage, 'DELETE', '', { status: 204 }),
    },
  ],
} satisfies Partial<Record<LimitedOperation, FaultedOperation[]>>
