import { expect, test } from 'vitest'
import { codeAt } from '../support/authenticator.ts'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'enrolTotp')

test('shows the last of several secrets as the one that can be confirmed', async () => {
  const client = await newClient(service(), { settings: { second_factor: 'required' } })
  const email = newEmail()
  await client.call('/v1/register', { json: { email, password: PASSWORD } })
  await service().sql('update users set email_verified_at = now() where email = $1', [email])
  const { body } = await client.login(email)
  const { mfa_token } = body as unknown as { mfa_token: string }
  const enrolled = () =>
    client.call<{ factor_id: string; secret: string }>('/v1/mfa/enrol', { json: { mfa_token } })
  const [first, second] = [await enrolled(), await enrolled()]
  expect([first.status, second.status]).toEqual([201, 201])
  const confirm = ({ factor_id, secret }: { factor_id: string; secret: string }) =>
    client.call('/v1/mfa/enrol/confirm', { json: { mfa_token, factor_id, code: codeAt(secret) } })
  expectProblem(await confirm(first.body), 'not_found')
  expect((await confirm(second.body)).status).toBe(200)
})
