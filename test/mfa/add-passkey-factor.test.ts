import { expect, test } from 'vitest'
import { challenge } from '../support/authenticator.ts'
import { newClient, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { newPasskey, withPasskeyFactor } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'addPasskeyFactor')

test('factors 6: a passkey is asked for after a password once its owner has chosen it, and not before', async () => {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  await newPasskey(client, tokens)
  expect(await client.signIn(email)).toHaveProperty('access_token')
  const { email: other, ...chosen } = await withPasskeyFactor(service(), client)
  expect(await challenge(client, other)).toMatchObject({ methods: ['recovery_code', 'passkey'] })
  expect(new Set(chosen.recoveryCodes).size).toBe(10)
  const { body } = await client.call('/v1/mfa', { bearer: chosen.bearer })
  expect(body).toEqual({
    factors: [{ id: chosen.listed.id, type: 'passkey', confirmed_at: chosen.listed.created_at }],
    recovery_codes_left: 10,
  })
  const listed = await client.call('/v1/passkeys', { bearer: chosen.bearer })
  expect(listed.body).toMatchObject({ data: [{ is_second_factor: true }] })
})

test('factors 8: choosing it ends every other session, is told to the owner, and this session goes on', async () => {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
  const { listed } = await newPasskey(client, tokens)
  const other = await client.signIn(email)
  const choose = () =>
    client.call(`/v1/passkeys/${listed.id}/second-factor`, { method: 'POST', bearer: tokens.access_token })
  const answers = await race(20, choose)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  for (const answer of answers.filter(({ status }) => status !== 200))
    expectProblem(answer, 'passkey_is_second_factor')
  expectProblem(await client.me(other.access_token), 'invalid_token')
  expect((await client.me(tokens.access_token)).status).toBe(200)
  const events = await service().sql<{ data: object }>(
    `select data from events where type = 'second_factor.added' and subject = $1`,
    [tokens.user.id],
  )
  expect(events).toEqual([
    { data: { factor: 'passkey', passkey_id: listed.id, session_ids: [other.session.id] } },
  ])
})

test('is refused for an account whose address is not proved, and where the tenant has switched second factors off', async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  const { listed } = await newPasskey(client, tokens)
  const choose = () =>
    client.call(`/v1/passkeys/${listed.id}/second-factor`, { method: 'POST', bearer: tokens.access_token })
  expectProblem(await choose(), 'email_not_verified')
  await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
  await service().sql(`update tenants set settings = settings || '{"second_factor": "off"}' where id = $1`, [
    client.tenant.id,
  ])
  expectProblem(await choose(), 'second_factors_off')
})

test('F09: is refused to a session that has not passed the second factor, and to one that is not fresh', async () => {
  const { client, tokens, bearer } = await withPasskeyFactor(service(), await newClient(service()))
  const { listed } = await newPasskey(client, tokens)
  const choose = () => client.call(`/v1/passkeys/${listed.id}/second-factor`, { method: 'POST', bearer })
  await service().sql(
    `update sessions set aal = 1, amr = '{pwd}', created_at = clock_timestamp(), kept_at = null where id = $1`,
    [tokens.session.id],
  )
  const refused = await choose()
  expectProblem(refused, 'insufficient_user_authentication')
  expect(refused.headers.get('www-authenticate')).toContain('acr_values="aal2", max_age="600"')
  await service().sql(`update sessions set aal = 2, auth_time = now() - interval '1 hour' where id = $1`, [
    tokens.session.id,
  ])
  const old = await choose()
  expectProblem(old, 'insufficient_user_authentication')
  expect(old.headers.get('www-authenticate')).toContain('acr_values="aal2", max_age="600"')
})

test('G05: the passkey of another account is not there', async () => {
  const client = await newClient(service())
  const mine = await withPasskeyFactor(service(), client)
  const theirs = await newPasskey(client, (await client.signUp()).tokens)
  for (const id of [theirs.listed.id, crypto.randomUUID(), 'x'])
    expectProblem(
      await client.call(`/v1/passkeys/${id}/second-factor`, { method: 'POST', bearer: mine.bearer }),
      'not_found',
    )
})
