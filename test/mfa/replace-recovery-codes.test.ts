import { test } from 'vitest'
import { newProved } from '../support/authenticator.ts'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'replaceRecoveryCodes')

test('is refused to an account that has no second factor', async () => {
  const { client, bearer } = await newProved(service(), await newClient(service()))
  const answer = await client.call('/v1/mfa/recovery-codes', { method: 'POST', bearer })
  expectProblem(answer, 'no_second_factor')
})
