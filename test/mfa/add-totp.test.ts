import { expect, test } from 'vitest'
import { challenge, codeAt, newProved } from '../support/authenticator.ts'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'addTotp')

test('shows a secret as text, as a URI and as an SVG, and counts when its code is confirmed', async () => {
  const { client, email, add, confirm, list } = await newProved(service(), await newClient(service()))
  const { status, body } = await add()
  expect(status).toBe(201)
  expect(body.secret).toMatch(/^[A-Z2-7]{32}$/)
  const uri = new URL(body.otpauth_uri)
  expect(`${uri.protocol}${uri.host}`).toBe('otpauth:totp')
  expect(decodeURIComponent(uri.pathname)).toBe(`/${client.tenant.name}:${email}`)
  expect(uri.searchParams.get('secret')).toBe(body.secret)
  expect(body.qr_svg).toMatch(/^<svg [^>]*>.*<\/svg>$/s)
  expect(await client.signIn(email)).toHaveProperty('access_token')
  const confirmed = await confirm(body.factor_id, codeAt(body.secret))
  expect(confirmed.status).toBe(200)
  expect(confirmed.body.recovery_codes).toHaveLength(10)
  for (const code of confirmed.body.recovery_codes)
    expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]$/)
  expect((await list()).body).toEqual({
    factors: [{ id: body.factor_id, type: 'totp', confirmed_at: expect.any(String) }],
    recovery_codes_left: 10,
  })
  expect(await challenge(client, email)).toHaveProperty('mfa_token')
})

test('is refused to an account whose address is not proved, and where the tenant has switched it off', async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  const call = () => client.call('/v1/mfa/totp', { method: 'POST', bearer: tokens.access_token })
  expectProblem(await call(), 'email_not_verified')
  await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
  await service().sql(`update tenants set settings = settings || '{"second_factor": "off"}' where id = $1`, [
    client.tenant.id,
  ])
  expectProblem(await call(), 'second_factors_off')
})
