import { expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'removeTrustedDevices')

test('factors 9: removes all of the caller, in one event, and none of another account', async () => {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  const { tokens: other } = await client.newAccount()
  for (const owner of [tokens, tokens, other]) await client.plantedTrust(owner)
  const removeAll = () =>
    client.call('/v1/mfa/trusted-devices', { method: 'DELETE', bearer: tokens.access_token })
  expect((await removeAll()).status).toBe(204)
  expect((await removeAll()).status, 'none is left').toBe(204)
  const left = await service().sql('select user_id from trusted_devices where tenant_id = $1', [
    client.tenant.id,
  ])
  expect(left).toEqual([{ user_id: other.user.id }])
  expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'trusted_device.removed': 1 })
})
