/** DELETE /v1/mfa/trusted-devices/{id} — a second factor is asked for in that browser again. No step-up: it only asks for more. */
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { forgetDevice } from './trusted-devices.ts'

export const removeTrustedDevice = operation(
  {
    id: 'removeTrustedDevice',
    method: 'DELETE',
    path: '/v1/mfa/trusted-devices/:id',
    answers: { 204: null },
    refusals: ['not_found'],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => (await forgetDevice(ctx, headers, id)) ?? noContent(),
)
