/** DELETE /v1/mfa/trusted-devices — a second factor is asked for in every browser again. No step-up: it only asks for more. */
import { noContent } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { forgetAllDevices } from './trusted-devices.ts'

export const removeTrustedDevices = operation(
  {
    id: 'removeTrustedDevices',
    method: 'DELETE',
    path: '/v1/mfa/trusted-devices',
    answers: { 204: null },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => (await forgetAllDevices(ctx, headers)) ?? noContent(),
)
