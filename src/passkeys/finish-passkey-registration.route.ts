/** POST /v1/passkeys/register/verify — Add the passkey that the browser created. */
import * as v from 'valibot'
import { DisplayName } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { NewCredential } from './credential.ts'
import { PasskeyAnswer, presentPasskey } from './passkey-answer.ts'
import { finishRegistration } from './registration.ts'

export const finishPasskeyRegistration = operation(
  {
    id: 'finishPasskeyRegistration',
    method: 'POST',
    path: '/v1/passkeys/register/verify',
    body: v.strictObject({ credential: NewCredential, name: v.exactOptional(DisplayName) }),
    answers: { 201: PasskeyAnswer },
    refusals: ['invalid_passkey', 'passkey_exists', 'too_many_passkeys'],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 2 },
  },
  async ({ ctx, headers, body: { credential, name } }) => {
    const added = await finishRegistration(ctx, headers, { credential, name })
    return isRefusal(added) ? added : Response.json(presentPasskey(added), { status: 201 })
  },
)
