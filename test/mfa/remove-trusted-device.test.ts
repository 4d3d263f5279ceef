import { expect, test } from 'vitest'
import { newClient, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'removeTrustedDevice')

test('factors 9: removes one of the caller, once of 50 at a time, and none of another account', async () => {
  const client = await newClient(service())
  const { tokens } = await client.newAccount()
  const { tokens: other } = await client.newAccount()
  const [{ id }, kept] = [await client.plantedTrust(tokens), await client.plantedTrust(tokens)]
  const remove = ({ access_token: bearer }: Tokens, of: string) =>
    client.call(`/v1/mfa/trusted-devices/${of}`, { method: 'DELETE', bearer })
  expectProblem(await remove(other, id), 'not_found')
  expectProblem(await remove(tokens, 'mine'), 'not_found')
  const answers = await race(50, () => remove(tokens, id))
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
  const left = await service().sql('select id from trusted_devices where user_id = $1', [tokens.user.id])
  expect(left).toEqual([{ id: kept.id }])
  expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'trusted_device.removed': 1 })
})
