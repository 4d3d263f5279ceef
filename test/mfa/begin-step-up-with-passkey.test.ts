import { expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { newPasskey, stepUpOptions } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'beginStepUpWithPasskey')

test('factors 7: names the passkeys that the account had before this session, and none that it added', async () => {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const { listed } = await newPasskey(client, tokens)
  expectProblem((await stepUpOptions(client, tokens)).answer, 'no_second_factor')
  const later = await client.signIn(email)
  const { answer } = await stepUpOptions(client, later)
  expect(answer.body.allowCredentials).toEqual([
    { type: 'public-key', id: listed.credential_id, transports: listed.transports },
  ])
  expect(answer.trips).toEqual({ redis: 1, postgres: 1 })
})
