/** GET /v1/mfa/trusted-devices — all browsers in which the caller needs no second factor. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { instant } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { presentedTrust } from '../sign-in/trusted-device.ts'
import { findTrustedDevices } from '../sign-in/trusted-device-store.ts'

const Device = v.strictObject({
  id: v.string(),
  device: v.nullable(v.string()),
  country: v.nullable(v.string()),
  created_at: v.string(),
  last_used_at: v.nullable(v.string()),
  expires_at: v.string(),
  current: v.boolean(),
})

export const listTrustedDevices = operation(
  {
    id: 'listTrustedDevices',
    method: 'GET',
    path: '/v1/mfa/trusted-devices',
    query: v.strictObject({}),
    answers: { 200: v.strictObject({ data: v.array(Device), next_cursor: v.null() }) },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const presented = await presentedTrust(ctx)
    const read = await readAsCaller(ctx, headers, 'listTrustedDevices', ({ sid }) =>
      findTrustedDevices(ctx, sid, presented),
    )
    if (isRefusal(read)) return read
    const data = read.found.map(({ id, device, country, createdAt, lastUsedAt, expiresAt, isCurrent }) => ({
      id,
      device,
      country,
      created_at: instant(createdAt),
      last_used_at: lastUsedAt && instant(lastUsedAt),
      expires_at: instant(expiresAt),
      current: isCurrent,
    }))
    return Response.json({ data, next_cursor: null })
  },
)
