import { expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'listTrustedDevices')

test('factors 9: lists the trusted devices of the caller alone, which of them calls, and no secret', async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  const { tokens: other } = await client.signUp()
  await client.plantedTrust(other)
  const first = await client.plantedTrust(tokens, 'Chrome on Linux')
  const second = await client.plantedTrust(tokens, null)
  const { status, body } = await client.call('/v1/mfa/trusted-devices', {
    bearer: tokens.access_token,
    headers: {
      cookie: first.cookie,
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0 Safari/537.36',
    },
  })
  expect(status).toBe(200)
  const times = { created_at: expect.any(String), expires_at: expect.any(String), last_used_at: null }
  expect(body).toEqual({
    data: [
      { id: second.id, device: null, country: null, current: false, ...times },
      { id: first.id, device: 'Chrome on Linux', country: null, current: true, ...times },
    ],
    next_cursor: null,
  })
})
