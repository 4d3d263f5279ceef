/** The operations of passkeys, as test/faults/operations.ts has the others. */
import { expect } from 'vitest'
import type { LimitedOperation } from '../../src/limits/limits.ts'
import { userHandleOf } from '../../src/passkeys/user-handle.ts'
import { hashOfMfaToken, plantFactor } from '../support/authenticator.ts'
import { createClient } from '../support/client.ts'
import { createPasskey, usePasskey } from '../support/passkey-authenticator.ts'
import { rpIdOf } from '../support/planted-passkeys.ts'
import {
  type Attempt,
  askFacts,
  type FaultedOperation,
  factsOfReading,
  newBearer,
  newCaller,
  reading,
  type Stage,
  tokensIn,
  writing,
} from './callers.ts'

/** A challenge is used up by the first answer, also where the answer is lost; and is gone with Redis. */
const once = { ...writing, repeats: false, lost: 'invalid_passkey' } as const
const cookie = /^__Host-latchkey-ceremony=/
const recorded = (type: string) => `exists (select from events where type = '${type}' and subject = $1)`

export const PASSKEY_OPERATIONS = {
  beginPasskeyRegistration: [{ ...reading, title: 'beginPasskeyRegistration', prepare: toBeginRegistration }],
  finishPasskeyRegistration: [{ ...once, title: 'finishPasskeyRegistration', prepare: toRegister }],
  beginPasskeySignIn: [{ ...reading, title: 'beginPasskeySignIn', prepare: toBeginSignIn }],
  finishPasskeySignIn: [{ ...once, title: 'finishPasskeySignIn', prepare: toSignIn }],
  listPasskeys: [{ ...reading, title: 'listPasskeys', prepare: toList }],
  renamePasskey: [{ ...writing, title: 'renamePasskey', prepare: toRename }],
  deletePasskey: [{ ...writing, repeats: false, title: 'deletePasskey', prepare: toDelete }],
  addPasskeyFactor: [{ ...writing, repeats: false, title: 'addPasskeyFactor', prepare: toChoose }],
  removePasskeyFactor: [
    { ...writing, repeats: false, title: 'removePasskeyFactor', prepare: toChooseNoMore },
  ],
  beginMfaWithPasskey: [{ ...reading, title: 'beginMfaWithPasskey', prepare: toBeginSecondStep }],
  verifyMfaWithPasskey: [{ ...once, title: 'verifyMfaWithPasskey', prepare: toPassSecondStep }],
  beginStepUpWithPasskey: [{ ...reading, title: 'beginStepUpWithPasskey', prepare: toBeginStepUp }],
  stepUpWithPasskey: [{ ...once, title: 'stepUpWithPasskey', prepare: toStepUp }],
} satisfies Partial<Record<LimitedOperation, FaultedOperation[]>>

async function toBeginRegistration(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const bearer = tokens.access_token
  return {
    call: () => client.call('/v1/passkeys/register/options', { bearer, json: {} }),
    success: { status: 200, body: { rp: { id: rpIdOf(stage.tenant) } }, cookie },
    facts: factsOfReading,
  }
}

async function toBeginSignIn({ hurried, tenant }: Stage): Promise<Attempt> {
  const client = createClient(hurried, tenant)
  return {
    call: () => client.call('/v1/passkeys/login/options', { method: 'POST' }),
    success: { status: 200, body: { rpId: rpIdOf(tenant) }, cookie },
    facts: factsOfReading,
  }
}

/** Each call answers a challenge of its own: the one before may be used up. */
async function toRegister(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { id: userId } = tokens.user
  const ceremony = await client.plantedCeremony({ kind: 'register', userId })
  const asked = {
    rp: { id: rpIdOf(stage.tenant) },
    user: { id: userHandleOf(userId) },
    challenge: ceremony.challenge,
  }
  const { credential } = createPasskey(asked, stage.tenant.origin)
  return {
    call: () =>
      client.call('/v1/passkeys/register/verify', {
        bearer: tokens.access_token,
        json: { credential },
        headers: { cookie: ceremony.cookie },
      }),
    success: { status: 201, body: { credential_id: credential.id } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          added: 'exists (select from passkeys where user_id = $1)',
          recorded: recorded('passkey.added'),
        },
        [userId],
      ),
  }
}

async function toSignIn(stage: Stage): Promise<Attempt> {
  const { client, userId } = await newCaller(stage)
  const { passkey } = await client.plantedPasskey({ user: { id: userId } })
  const { challenge, cookie } = await client.plantedCeremony({ kind: 'sign_in', userId: null })
  const credential = usePasskey(passkey, { challenge }, stage.tenant.origin)
  return {
    call: () => client.call('/v1/passkeys/login/verify', { json: { credential }, headers: { cookie } }),
    success: { status: 200, ...tokensIn('token') },
    facts: () =>
      askFacts(
        stage.patient,
        {
          begun: `exists (select from sessions where user_id = $1 and amr[1] = 'pop')`,
          used: 'exists (select from passkeys where user_id = $1 and last_used_at is not null)',
          recorded: recorded('session.started'),
        },
        [userId],
      ),
  }
}

async function toList(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { id } = await client.plantedPasskey(tokens)
  return {
    call: () => client.call('/v1/passkeys', { bearer: tokens.access_token }),
    success: { status: 200, body: { data: [{ id }] } },
    facts: factsOfReading,
  }
}

async function toRename(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { id } = await client.plantedPasskey(tokens)
  const { access_token: bearer, user } = tokens
  return {
    call: () => client.call(`/v1/passkeys/${id}`, { method: 'PATCH', bearer, json: { name: 'Laptop' } }),
    success: { status: 200, body: { id, name: 'Laptop' } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          renamed: `exists (select from passkeys where id = $2 and name = 'Laptop')`,
          recorded: recorded('passkey.renamed'),
        },
        [user.id, id],
      ),
  }
}

async function toDelete(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { id, passkey } = await client.plantedPasskey(tokens)
  const { access_token: bearer, user } = tokens
  return {
    call: () => client.call(`/v1/passkeys/${id}`, { method: 'DELETE', bearer }),
    success: { status: 200, body: { credential_id: passkey.id.toString('base64url') } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          gone: 'not exists (select from passkeys where id = $2)',
          recorded: recorded('passkey.removed'),
        },
        [user.id, id],
      ),
  }
}

async function toChoose(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  await plantFactor(stage.patient, tokens)
  const { id } = await client.plantedPasskey(tokens)
  const { access_token: bearer, user } = tokens
  return {
    call: () => client.call(`/v1/passkeys/${id}/second-factor`, { method: 'POST', bearer }),
    success: { status: 200, body: { recovery_codes: expect.arrayContaining([expect.any(String)]) } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          chosen: 'exists (select from passkeys where id = $2 and is_second_factor)',
          codes: '(select count(*) = 10 from recovery_codes where user_id = $1)',
          recorded: recorded('second_factor.added'),
        },
        [user.id, id],
      ),
  }
}

async function toChooseNoMore(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { id } = await client.plantedPasskey(tokens, { isSecondFactor: true })
  const { access_token: bearer, user } = tokens
  return {
    call: () => client.call(`/v1/passkeys/${id}/second-factor`, { method: 'DELETE', bearer }),
    success: { status: 204 },
    facts: () =>
      askFacts(
        stage.patient,
        {
          gone: 'exists (select from passkeys where id = $2 and not is_second_factor)',
          recorded: recorded('second_factor.removed'),
        },
        [user.id, id],
      ),
  }
}

async function toBeginSecondStep(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { mfaToken } = await plantFactor(stage.patient, tokens)
  await client.plantedPasskey(tokens, { isSecondFactor: true })
  return {
    call: () => client.call('/v1/passkeys/mfa/options', { json: { mfa_token: mfaToken } }),
    success: { status: 200, body: { rpId: rpIdOf(stage.tenant) }, cookie },
    facts: factsOfReading,
  }
}

async function toPassSecondStep(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { mfaToken } = await plantFactor(stage.patient, tokens)
  const { passkey } = await client.plantedPasskey(tokens, { isSecondFactor: true })
  const token = hashOfMfaToken(mfaToken)
  const { challenge, cookie } = await client.plantedCeremony({ kind: 'second_factor', token })
  const credential = usePasskey(passkey, { challenge }, stage.tenant.origin)
  const json = { mfa_token: mfaToken, credential }
  return {
    call: () => client.call('/v1/passkeys/mfa/verify', { json, headers: { cookie } }),
    success: { status: 200, ...tokensIn('token') },
    facts: () =>
      askFacts(
        stage.patient,
        {
          consumed: 'exists (select from mfa_challenges where user_id = $1 and consumed_at is not null)',
          used: 'exists (select from passkeys where user_id = $1 and last_used_at is not null)',
          started: 'exists (select from sessions where user_id = $1 and aal = 2)',
          recorded: recorded('session.started'),
        },
        [tokens.user.id],
      ),
  }
}

async function toBeginStepUp(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  await client.plantedPasskey(tokens)
  return {
    call: () => client.call('/v1/passkeys/step-up/options', { bearer: tokens.access_token, method: 'POST' }),
    success: { status: 200, body: { rpId: rpIdOf(stage.tenant) }, cookie },
    facts: factsOfReading,
  }
}

async function toStepUp(stage: Stage): Promise<Attempt> {
  const { client, tokens } = await newBearer(stage)
  const { passkey } = await client.plantedPasskey(tokens)
  const { access_token: bearer, user } = tokens
  const { challenge, cookie } = await client.plantedCeremony({ kind: 'step_up', userId: user.id })
  const credential = usePasskey(passkey, { challenge }, stage.tenant.origin)
  return {
    call: () =>
      client.call('/v1/passkeys/step-up/verify', { bearer, json: { credential }, headers: { cookie } }),
    success: { status: 200, body: { access_token: tokensIn('token').body.access_token } },
    facts: () =>
      askFacts(
        stage.patient,
        {
          raised: 'exists (select from sessions where user_id = $1 and aal = 2)',
          used: 'exists (select from passkeys where user_id = $1 and last_used_at is not null)',
          recorded: recorded('session.confirmed'),
        },
        [user.id],
      ),
  }
}
