import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectProblem } from '../support/expect.ts'
import { CLIENT, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { addProvider, newTenantWith } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

test('shows an administrator the providers of the tenant by their slug, and no secret', async () => {
  const { client, admin } = await newTenantWith(service(), provider)
  await addProvider(client, admin.access_token, { kind: 'github', slug: 'a-github' })
  await newTenantWith(service(), provider) // of another tenant
  const { status, body } = await client.call<{ data: { slug: string }[] }>('/v1/admin/providers', {
    bearer: admin.access_token,
  })
  expect(status).toBe(200)
  expect(body.data.map(({ slug }) => slug)).toEqual(['a-github', 'idp'])
  expect(JSON.stringify(body)).not.toContain(CLIENT.secret)
})

test('shows them to no one else', async () => {
  const { client } = await newTenantWith(service(), provider)
  const { tokens } = await client.signUp()
  const read = (bearer?: string) => client.call('/v1/admin/providers', bearer === undefined ? {} : { bearer })
  expectProblem(await read(tokens.access_token), 'insufficient_role')
  expectProblem(await read(), 'missing_token')
})
