import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newEmail, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'
import {
  comeBack,
  identitiesOf,
  linkTo,
  newPerson,
  newTenantWith,
  signIn,
  start,
  startLink,
  told,
  whoIs,
} from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

describe('accepts', () => {
  test('an account at a provider that has nothing to do with the address: it signs in from then on', async () => {
    const stage = await newTenantWith(service(), provider)
    const { tokens } = await stage.client.newAccount()
    const person = newPerson()
    const back = await linkTo(stage.client, provider, tokens, { ...person, email_verified: false })
    expect(told(back)).toEqual({ from: 'start', linked: 'true' })
    expect(await identitiesOf(stage.client, tokens)).toMatchObject([{ provider: 'idp', email: person.email }])
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'identity.linked': 1 })
    const { body } = await whoIs(stage.client, await signIn(stage.client, provider, person))
    expect(body.user).toMatchObject({ id: tokens.user.id, email: tokens.user.email })
  })

  test('the same one again: nothing is linked twice', async () => {
    const stage = await newTenantWith(service(), provider)
    const { tokens } = await stage.client.newAccount()
    const person = newPerson()
    await linkTo(stage.client, provider, tokens, person)
    expect(told(await linkTo(stage.client, provider, tokens, person))).toMatchObject({ linked: 'true' })
    expect(await identitiesOf(stage.client, tokens)).toHaveLength(1)
  })
})

describe('refuses', () => {
  test('a provider that there is not, one that is disabled, and an address that the tenant does not list', async () => {
    const { client, admin, provider: row } = await newTenantWith(service(), provider)
    const { tokens } = await client.newAccount()
    expectProblem(await startLink(client, tokens, 'none'), 'not_found')
    const elsewhere = await client.call('/v1/oauth/idp/link', {
      bearer: tokens.access_token,
      json: { redirect_uri: 'https://evil.example' },
    })
    expectProblem(elsewhere, 'invalid_input')
    await service().sql('update providers set enabled = false where id = $1', [row.id])
    expectProblem(await startLink(client, tokens), 'not_found')
    expect(admin.user.id).not.toBe(tokens.user.id)
  })

  test('more than fifty of one account', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { tokens } = await client.newAccount()
    await service().sql(
      `insert into identities (id, tenant_id, user_id, provider, issuer, subject)
       select gen_random_uuid(), $1, $2, 'idp', 'https://idp.example', 'n' || n from generate_series(1, 50) as n`,
      [client.tenant.id, tokens.user.id],
    )
    expect(told(await linkTo(client, provider, tokens, newPerson()))).toMatchObject({
      error: 'identity_in_use',
    })
    expect(await identitiesOf(client, tokens)).toHaveLength(50)
  })
})

describe('attacks', () => {
  test('an identity of another account is not taken from it', async () => {
    const stage = await newTenantWith(service(), provider)
    const owner = await stage.client.newAccount()
    const attacker = await stage.client.newAccount()
    const person = newPerson()
    await linkTo(stage.client, provider, owner.tokens, person)
    expect(told(await linkTo(stage.client, provider, attacker.tokens, person))).toMatchObject({
      error: 'identity_in_use',
    })
    expect(await identitiesOf(stage.client, attacker.tokens)).toEqual([])
  })

  test('a session that ended meanwhile links nothing', async () => {
    const stage = await newTenantWith(service(), provider)
    const { tokens } = await stage.client.newAccount()
    const { url, cookie } = await startLink(stage.client, tokens)
    await stage.client.logout(tokens.refresh_token)
    expectProblem(await comeBack(stage.client, provider.consent(url, newPerson()), cookie), 'invalid_token')
    const [row] = await service().sql('select count(*)::int as n from identities where user_id = $1', [
      tokens.user.id,
    ])
    expect(row).toEqual({ n: 0 })
  })

  test('a flow that links signs no one in, and one that signs in links to no session', async () => {
    const stage = await newTenantWith(service(), provider)
    const { tokens } = await stage.client.newAccount()
    const back = await linkTo(stage.client, provider, tokens, newPerson())
    expect(back.headers.getSetCookie()).toEqual([])
    const other = await signIn(stage.client, provider, newPerson())
    expect((await whoIs(stage.client, other)).body.user.id).not.toBe(tokens.user.id)
    expect(await identitiesOf(stage.client, tokens)).toHaveLength(1)
  })

  test('one person, linked to 20 accounts at once: one of them has it', async () => {
    const stage = await newTenantWith(service(), provider)
    const person = newPerson()
    const accounts = await race(20, () => stage.client.newAccount())
    const flows = await race(20, (index) => startLink(stage.client, accounts[index]?.tokens as Tokens))
    const backs = await race(20, (index) => {
      const { url = '', cookie = '' } = flows[index] ?? {}
      return comeBack(stage.client, provider.consent(url, person), cookie)
    })
    expect(backs.filter((back) => told(back).linked === 'true')).toHaveLength(1)
    expect(backs.filter((back) => told(back).error === 'identity_in_use')).toHaveLength(19)
  })
})

test('an account that needs a second factor gets no cookie from a provider: a token for that alone', async () => {
  const stage = await newTenantWith(service(), provider)
  const { tokens } = await stage.client.newAccount()
  const person = newPerson(newEmail())
  await linkTo(stage.client, provider, tokens, person)
  await stage.client.withFactor(tokens)
  const back = await signIn(stage.client, provider, person)
  const { hash } = new URL(back.headers.get('location') ?? '')
  expect(hash).toMatch(/^#status=mfa_required&mfa_token=lkm_/)
  expect(back.headers.getSetCookie()).toEqual([])
})

test('step-up: who signed in long ago links nothing', async () => {
  const stage = await newTenantWith(service(), provider)
  const { tokens } = await stage.client.newAccount()
  await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where id = $1`, [
    tokens.session.id,
  ])
  expect((await startLink(stage.client, tokens)).status).toBe(401)
  expect((await start(stage.client)).answer.status).toBe(302)
})
