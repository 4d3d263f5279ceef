import { decodeJwt } from 'jose'
import { expect, test } from 'vitest'
import { challenge, codeAt, wrongCode } from '../support/authenticator.ts'
import { newClient, newEmail, PASSWORD, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'confirmEnrolment')

test('adds the second factor that the tenant requires, and begins the session then', async () => {
  const client = await newClient(service(), { settings: { second_factor: 'required' } })
  const email = newEmail()
  await client.call('/v1/register', { json: { email, password: PASSWORD } })
  const { body } = await client.call<{ mfa_token: string }>('/v1/login', {
    json: { email, password: PASSWORD },
  })
  const { mfa_token } = body
  const enrolled = () =>
    client.call<{ factor_id: string; secret: string }>('/v1/mfa/enrol', { json: { mfa_token } })
  expectProblem(await enrolled(), 'email_not_verified')
  await service().sql('update users set email_verified_at = now() where email = $1', [email])
  const { status, body: added } = await enrolled()
  expect(status).toBe(201)
  const { factor_id, secret } = added
  const confirm = (code: string) =>
    client.call<Tokens & { recovery_codes: string[] }>('/v1/mfa/enrol/confirm', {
      json: { mfa_token, factor_id, code },
    })
  expectProblem(await confirm(wrongCode(secret)), 'invalid_code')
  const answers = await race(20, () => confirm(codeAt(secret)))
  const [begun, ...others] = answers.filter(({ status }) => status === 200)
  expect(others).toEqual([])
  expect(begun?.body.recovery_codes).toHaveLength(10)
  expect(decodeJwt(begun?.body.access_token ?? '')).toMatchObject({
    amr: ['pwd', 'otp', 'mfa'],
    acr: 'aal2',
  })
  expectProblem(await enrolled(), 'invalid_mfa_token')
  const putOff = await service().sql('select sign_ins from mfa_challenges where tenant_id = $1', [
    client.tenant.id,
  ])
  expect(putOff, 'all of the grace is there again').toEqual([{ sign_ins: 0 }])
  expect(await challenge(client, email)).toMatchObject({ methods: ['totp', 'recovery_code'] })
})
