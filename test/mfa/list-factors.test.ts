import { expect, test } from 'vitest'
import { codeAt, newProved } from '../support/authenticator.ts'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'listFactors')

test('lists no app that was not confirmed, and no secret', async () => {
  const { add, confirm, list } = await newProved(service(), await newClient(service()))
  const { body } = await add()
  expect((await list()).body).toEqual({ factors: [], recovery_codes_left: 0 })
  await confirm(body.factor_id, codeAt(body.secret))
  const listed = await list()
  expect(listed.body).toEqual({
    factors: [{ id: body.factor_id, type: 'totp', confirmed_at: expect.any(String) }],
    recovery_codes_left: 10,
  })
  expect(JSON.stringify(listed.body)).not.toContain(body.secret)
})
