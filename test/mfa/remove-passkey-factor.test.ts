import { describe, expect, test } from 'vitest'
import { challenge, codeAt, enrol, verifyMfa } from '../support/authenticator.ts'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { attemptSecondStep, attemptSignIn, withPasskeyFactor } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'removePasskeyFactor')

const newChosen = async () => withPasskeyFactor(service(), await newClient(service()))

const require = async (tenantId: string) =>
  service().sql(`update tenants set settings = settings || '{"second_factor": "required"}' where id = $1`, [
    tenantId,
  ])

describe('the last second factor', () => {
  test('factors 8: goes with its recovery codes, ends other sessions, and the passkey signs in as before', async () => {
    const { client, email, bearer, passkey, factor, tokens } = await newChosen()
    const other = await attemptSignIn(client, passkey)
    expect((await client.call(factor, { method: 'DELETE', bearer })).status).toBe(204)
    expectProblem(await client.me(other.answer.body.access_token), 'invalid_token')
    expect((await client.me(bearer)).status).toBe(200)
    expect(await client.signIn(email)).toHaveProperty('access_token')
    expect((await attemptSignIn(client, passkey)).answer.status).toBe(200)
    const [left] = await service().sql<{ count: number }>(
      'select count(*)::int from recovery_codes where user_id = $1',
      [tokens.user.id],
    )
    expect(left?.count).toBe(0)
    const events = await service().sql<{ data: object }>(
      `select data from events where type = 'second_factor.removed' and subject = $1`,
      [tokens.user.id],
    )
    expect(events).toMatchObject([{ data: { factor: 'passkey' } }])
    expectProblem(await client.call(factor, { method: 'DELETE', bearer }), 'not_found')
  })

  test('factors 8: stays where the tenant requires one', async () => {
    const { client, bearer, factor } = await newChosen()
    await require(client.tenant.id)
    expectProblem(await client.call(factor, { method: 'DELETE', bearer }), 'second_factor_required')
  })

  test('factors 8: cannot be deleted as a passkey: it is taken away as a second factor first', async () => {
    const { client, email, bearer, factor, listed } = await newChosen()
    const remove = () => client.call(`/v1/passkeys/${listed.id}`, { method: 'DELETE', bearer })
    expectProblem(await remove(), 'passkey_is_second_factor')
    expect(await challenge(client, email)).toMatchObject({ methods: ['recovery_code', 'passkey'] })
    expect((await client.call(factor, { method: 'DELETE', bearer })).status).toBe(204)
    expect((await remove()).status).toBe(200)
  })
})

describe('one of two second factors', () => {
  const newBoth = async () => {
    const chosen = await newChosen()
    const { secret } = await enrol(service(), chosen.client, chosen)
    return { ...chosen, secret }
  }

  test('factors 8: the passkey goes, also where the tenant requires one; the app and the codes stay', async () => {
    const { client, email, bearer, factor, secret } = await newBoth()
    await require(client.tenant.id)
    expect((await client.call(factor, { method: 'DELETE', bearer })).status).toBe(204)
    const first = await challenge(client, email)
    expect(first.methods).toEqual(['totp', 'recovery_code'])
    expect((await verifyMfa(client, first, codeAt(secret))).status).toBe(200)
  })

  test('factors 8: the app goes, also where the tenant requires one; the passkey and the codes stay', async () => {
    const { client, email, bearer, passkey } = await newBoth()
    await require(client.tenant.id)
    expect((await client.call('/v1/mfa/totp', { method: 'DELETE', bearer })).status).toBe(204)
    const first = await challenge(client, email)
    expect(first.methods).toEqual(['recovery_code', 'passkey'])
    expect((await attemptSecondStep(client, passkey, first)).answer.status).toBe(200)
  })
})

test('F11: a session that began with the passkey alone does not take it away; with a recovery code it does', async () => {
  const { client, passkey, factor, recoveryCodes } = await newChosen()
  const { answer } = await attemptSignIn(client, passkey)
  const { access_token: bearer } = answer.body
  const refused = await client.call(factor, { method: 'DELETE', bearer })
  expectProblem(refused, 'insufficient_user_authentication')
  expect(refused.headers.get('www-authenticate')).toContain('acr_values="aal2", max_age="600"')
  const json = { method: 'recovery_code', code: recoveryCodes[0] }
  expect((await client.call('/v1/mfa/step-up', { bearer, json })).status).toBe(200)
  expect((await client.call(factor, { method: 'DELETE', bearer })).status).toBe(204)
})

test('G05: the passkey of another account stays a second factor', async () => {
  const mine = await newChosen()
  const theirs = await withPasskeyFactor(service(), mine.client)
  const answer = await mine.client.call(theirs.factor, { method: 'DELETE', bearer: mine.bearer })
  expectProblem(answer, 'not_found')
  expect(await challenge(mine.client, theirs.email)).toMatchObject({ methods: ['recovery_code', 'passkey'] })
})
