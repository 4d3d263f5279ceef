import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { newPerson, newTenantWith, signIn, start, told, whoIs } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

async function stage(row = {}) {
  const { client, admin, provider: made } = await newTenantWith(service(), provider, row)
  const change = (json: object, bearer = admin.access_token, id = made.id) =>
    client.call(`/v1/admin/providers/${id}`, { method: 'PATCH', bearer, json })
  return { client, admin, made, change }
}

describe('accepts', () => {
  test('a change of one thing, which leaves the others as they are', async () => {
    const { made, change } = await stage({ allowed_domains: ['example.com'] })
    const { status, body } = await change({ name: 'Ours' })
    expect(status).toBe(200)
    expect(body).toEqual({ ...made, name: 'Ours', updated_at: expect.any(String) })
  })

  test('another secret, which the provider takes from then on', async () => {
    const { client, change } = await stage({ client_secret: 'the old one' })
    const signInNow = () => signIn(client, provider, newPerson())
    expectProblem(await signInNow(), 'upstream_unavailable')
    await change({ client_secret: 'a secret & more: 100%' })
    expect((await whoIs(client, await signInNow())).status).toBe(200)
  })

  test('domains: from then on no one signs in by another, nor without a proved address', async () => {
    const { client, change } = await stage()
    const [inside, outside] = [newPerson('ada@inside.example'), newPerson('eve@outside.example')]
    await signIn(client, provider, outside)
    await change({ allowed_domains: ['INSIDE.example'] })
    expect((await whoIs(client, await signIn(client, provider, inside))).status).toBe(200)
    for (const person of [
      outside, // who has an account
      newPerson('eve@sub.inside.example'),
      newPerson('eve@inside.example.evil.example'),
      { ...newPerson('eve@inside.example'), email_verified: false },
      { ...newPerson(), email: undefined },
    ])
      expect(told(await signIn(client, provider, person))).toMatchObject({ error: 'access_denied' })
  })

  test('enabled: false, and true again', async () => {
    const { client, change } = await stage()
    await change({ enabled: false })
    expectProblem((await start(client)).answer, 'not_found')
    await change({ enabled: true })
    expect((await start(client)).answer.status).toBe(302)
  })
})

describe('refuses', () => {
  test.each([{ kind: 'github' }, { issuer: 'https://idp.example' }, { slug: 'other' }, {}])(
    '%j',
    async (json) => {
      const { change } = await stage()
      expectProblem(await change(json), 'invalid_input')
    },
  )

  test('a provider of another tenant, one that there is not, and who is no administrator', async () => {
    const [one, two] = [await stage(), await stage()]
    expectProblem(await one.change({ name: 'x' }, one.admin.access_token, two.made.id), 'not_found')
    expectProblem(await one.change({ name: 'x' }, one.admin.access_token, 'none'), 'not_found')
    const { tokens } = await one.client.newAccount()
    expectProblem(await one.change({ name: 'x' }, tokens.access_token), 'insufficient_role')
    await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where id = $1`, [
      one.admin.session.id,
    ])
    expectProblem(await one.change({ name: 'x' }), 'insufficient_user_authentication')
    const { body } = await two.client.call<{ data: { name: string }[] }>('/v1/admin/providers', {
      bearer: two.admin.access_token,
    })
    expect(body.data).toMatchObject([{ name: 'IdP' }])
  })
})

describe('a second factor that the provider asked for', () => {
  const person = () => ({ ...newPerson(), amr: ['pwd', 'mfa'] })
  async function owner(row: object) {
    const { client, change } = await stage(row)
    const someone = person()
    const { body } = await whoIs(client, await signIn(client, provider, someone))
    await client.withFactor(body)
    return { client, change, someone }
  }

  test('counts for nothing where the row does not say so: ours is asked for', async () => {
    const { client, someone } = await owner({})
    const back = await signIn(client, provider, someone)
    expect(new URL(back.headers.get('location') ?? '').hash).toMatch(/^#status=mfa_required/)
    expect(back.headers.getSetCookie()).toEqual([])
  })

  test('counts where the row says so, and only where the token does', async () => {
    const { client, someone } = await owner({ trusts_assurance: true })
    const { access_token: bearer } = (await whoIs(client, await signIn(client, provider, someone))).body
    const { body } = await client.listSessions(bearer)
    expect(body.data.find(({ current }) => current)?.methods).toEqual(['fed', 'mfa'])
    for (const amr of [undefined, 'mfa', ['pwd'], [], { 0: 'mfa' }]) {
      const back = await signIn(client, provider, { ...someone, amr })
      expect(new URL(back.headers.get('location') ?? '').hash).toMatch(/^#status=mfa_required/)
    }
  })

  test('counts no more once the row is changed', async () => {
    const { client, change, someone } = await owner({ trusts_assurance: true })
    await change({ trusts_assurance: false })
    const back = await signIn(client, provider, someone)
    expect(new URL(back.headers.get('location') ?? '').hash).toMatch(/^#status=mfa_required/)
  })
})
