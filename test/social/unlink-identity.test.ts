import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { countEvents, untilWaiting } from '../support/sessions.ts'
import { identitiesOf, linkTo, newPerson, newTenantWith, signIn, told, whoIs } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

/** A person who signed up with the provider, and has nothing else. */
async function newOwner() {
  const { client } = await newTenantWith(service(), provider)
  const person = newPerson()
  const { body: tokens } = await whoIs(client, await signIn(client, provider, person))
  const [identity] = await identitiesOf(client, tokens)
  const remove = (id = identity?.id, bearer = tokens.access_token) =>
    client.call(`/v1/identities/${id}`, { method: 'DELETE', bearer })
  return { client, person, tokens, remove }
}

describe('accepts', () => {
  test('one of several ways in: it signs in no more, and its owner is told', async () => {
    const { client, person, tokens, remove } = await newOwner()
    expect((await remove()).status).toBe(204)
    expect(await identitiesOf(client, tokens)).toEqual([])
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'identity.unlinked': 1 })
    // By its address it would be linked anew, which the tenant may forbid.
    await service().sql(`update providers set link_policy = 'never' where tenant_id = $1`, [client.tenant.id])
    expect(told(await signIn(client, provider, person))).toMatchObject({ error: 'account_exists' })
  })

  test('it again: it is not found', async () => {
    const { remove } = await newOwner()
    await remove()
    expectProblem(await remove(), 'not_found')
  })
})

describe('refuses', () => {
  test('D11: the last way to sign in, also beside what does not sign in', async () => {
    const { client, tokens, remove } = await newOwner()
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    expectProblem(await remove(), 'last_way_in')
    await client.withFactor(tokens) // a second factor opens nothing by itself
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    await service().sql('update sessions set aal = 2 where user_id = $1', [tokens.user.id])
    await service().sql(
      `insert into identities (id, tenant_id, user_id, provider, issuer, subject)
       values (gen_random_uuid(), $1, $2, 'gone', 'https://idp.example', 'x')`, // its provider is not there
      [client.tenant.id, tokens.user.id],
    )
    expectProblem(await remove(), 'last_way_in')
    expect(await identitiesOf(client, tokens)).toHaveLength(2)
  })

  test.each([
    ['a password', `insert into passwords (user_id, tenant_id, phc, key_id) values ($1, $2, 'x', 'k1')`],
    ['a proved address', 'update users set email_verified_at = now() where id = $1 and tenant_id = $2'],
  ])('D11: not where %s opens the account too', async (_, statement) => {
    const { client, tokens, remove } = await newOwner()
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    await service().sql(statement, [tokens.user.id, client.tenant.id])
    expect((await remove()).status).toBe(204)
  })

  test('D11: of two that are the only ways in, taken away at once, one stays', async () => {
    const { client, tokens } = await newOwner()
    await linkTo(client, provider, tokens, newPerson())
    await service().sql('update users set email_verified_at = null where id = $1', [tokens.user.id])
    const both = await identitiesOf(client, tokens)
    // Both have begun before either of them has ended.
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query('select from users where id = $1 for update', [tokens.user.id])
    const asked = race(2, (index) =>
      client.call(`/v1/identities/${both[index]?.id}`, { method: 'DELETE', bearer: tokens.access_token }),
    )
    await untilWaiting(service(), 2)
    await holder.query('rollback')
    await holder.end()
    const answers = await asked
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 409])
    expect(await identitiesOf(client, tokens)).toHaveLength(1)
  })

  test('step-up: who signed in long ago takes nothing away', async () => {
    const { client, tokens, remove } = await newOwner()
    await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where user_id = $1`, [
      tokens.user.id,
    ])
    expectProblem(await remove(), 'insufficient_user_authentication')
    expect(await identitiesOf(client, tokens)).toHaveLength(1)
  })
})

describe('attacks', () => {
  test('D12: one of another account is not found, and every other session of one’s own ends', async () => {
    const { client, tokens: stranger } = await newOwner()
    const owner = await client.signUp()
    await linkTo(client, provider, owner.tokens, newPerson())
    const elsewhere = await client.signIn(owner.email)
    const [identity] = await identitiesOf(client, owner.tokens)
    const by = ({ access_token: bearer }: Pick<Tokens, 'access_token'>) =>
      client.call(`/v1/identities/${identity?.id}`, { method: 'DELETE', bearer })
    expectProblem(await by(stranger), 'not_found')
    expect((await by(owner.tokens)).status).toBe(204)
    expectProblem(await client.me(elsewhere.access_token), 'invalid_token')
    expect((await client.me(owner.tokens.access_token)).status).toBe(200)
  })

  test('an id that is none, or of another tenant', async () => {
    const [one, two] = [await newOwner(), await newOwner()]
    const [identity] = await identitiesOf(two.client, two.tokens)
    for (const id of ['none', '00000000-0000-0000-0000-000000000000', identity?.id])
      expectProblem(await one.remove(id), 'not_found')
    expect(await identitiesOf(two.client, two.tokens)).toHaveLength(1)
  })
})
