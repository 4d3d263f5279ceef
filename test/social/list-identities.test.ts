import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { identitiesOf, linkTo, newPerson, newTenantWith, signIn } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

test('shows the caller’s identities, oldest first, and what the provider calls them to no one', async () => {
  const { client } = await newTenantWith(service(), provider)
  const { tokens } = await client.signUp()
  const [one, two] = [newPerson(), newPerson()]
  await linkTo(client, provider, tokens, one)
  await linkTo(client, provider, tokens, two)
  await signIn(client, provider, two)
  const answer = await client.call('/v1/identities', { bearer: tokens.access_token })
  expect(answer.body).toEqual({
    data: [
      {
        id: expect.any(String),
        provider: 'idp',
        email: one.email,
        linked_at: expect.any(String),
        last_used_at: null,
      },
      {
        id: expect.any(String),
        provider: 'idp',
        email: two.email,
        linked_at: expect.any(String),
        last_used_at: expect.any(String),
      },
    ],
    next_cursor: null,
  })
  expect(JSON.stringify(answer.body)).not.toContain(one.sub)
})

test('shows no one else’s: of another account, of another tenant, or without a session', async () => {
  const [here, there] = [await newTenantWith(service(), provider), await newTenantWith(service(), provider)]
  const { tokens } = await here.client.signUp()
  await linkTo(here.client, provider, tokens, newPerson())
  const { tokens: other } = await here.client.signUp()
  expect(await identitiesOf(here.client, other)).toEqual([])
  expectProblem(await there.client.call('/v1/identities', { bearer: tokens.access_token }), 'invalid_token')
  await here.client.logout(tokens.refresh_token)
  expectProblem(await here.client.call('/v1/identities', { bearer: tokens.access_token }), 'invalid_token')
})
