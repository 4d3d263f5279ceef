import { expect, test } from 'vitest'
import { challenge, codeAt, enrol, newProved, verifyMfa } from '../support/authenticator.ts'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'removeTotp')

test('F09, F11: a session that has not passed the second factor adds, replaces and removes no factor, and makes no recovery codes', async () => {
  const { client, email, tokens, secret } = await (async () => {
    const proved = await newProved(service(), await newClient(service()))
    return { ...proved, ...(await enrol(service(), proved.client, proved)) }
  })()
  const signedIn = await verifyMfa(client, await challenge(client, email), codeAt(secret))
  const { access_token: bearer, session } = signedIn.body
  await service().sql(`update sessions set aal = 1, amr = '{pwd}' where id = $1`, [session.id])
  for (const [method, path] of [
    ['POST', '/v1/mfa/totp'],
    ['DELETE', '/v1/mfa/totp'],
    ['POST', '/v1/mfa/recovery-codes'],
  ] as const) {
    const answer = await client.call(path, { method, bearer })
    expectProblem(answer, 'insufficient_user_authentication')
    expect(answer.headers.get('www-authenticate')).toContain('acr_values="aal2"')
  }
  expectProblem(
    await client.call('/v1/password/confirm', { bearer, json: { password: PASSWORD } }),
    'insufficient_user_authentication',
  )
  const stepUp = await client.call('/v1/mfa/step-up', {
    bearer,
    json: { method: 'totp', code: codeAt(secret, 1) },
  })
  expect(stepUp.status).toBe(200)
  expect((await client.call('/v1/mfa/totp', { method: 'DELETE', bearer })).status).toBe(204)
  expect(await client.signIn(email)).toHaveProperty('access_token')
  expect(tokens).toBeDefined()
})

test('a tenant that requires a second factor lets no one remove theirs', async () => {
  const { client, email, tokens, bearer } = await newProved(service(), await newClient(service()))
  await enrol(service(), client, { email, tokens })
  await service().sql(
    `update tenants set settings = settings || '{"second_factor": "required"}' where id = $1`,
    [client.tenant.id],
  )
  expectProblem(await client.call('/v1/mfa/totp', { method: 'DELETE', bearer }), 'second_factor_required')
  expect(newEmail()).not.toBe(email)
})
