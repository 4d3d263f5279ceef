import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newClient, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { CLIENT, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { a, aaaa, type Resolver, startResolver } from '../support/resolver.ts'
import { type Service, startService, useLentService } from '../support/service.ts'
import { addProvider, newPerson, newTenantWith, signIn } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

async function newAdmin(of: Service = service()) {
  const client = await newClient(of)
  const { tokens } = await client.signUpAdmin()
  return { client, tokens, add: (row: object) => addProvider(client, tokens.access_token, { ...row }) }
}

describe('accepts', () => {
  test('a provider of a known kind, which people sign in with at once: no deploy, and the secret is in no answer', async () => {
    const { client, provider: made } = await newTenantWith(service(), provider)
    expect(made).toMatchObject({
      slug: 'idp',
      kind: 'oidc',
      issuer: provider.issuer,
      client_id: CLIENT.id,
      scopes: ['openid', 'email', 'profile'],
      allowed_domains: [],
      may_register: true,
      link_policy: 'verified',
      trusts_assurance: false,
      enabled: true,
      callback_url: `${client.tenant.origin}/v1/oauth/idp/callback`,
    })
    expect(JSON.stringify(made)).not.toContain(CLIENT.secret)
    expect((await signIn(client, provider, newPerson())).status).toBe(303)
  })

  test('what it needs of Apple besides: the team and the key', async () => {
    const { add } = await newAdmin()
    const apple = { kind: 'apple', settings: { team_id: 'TEAM123456', key_id: 'KEY1234567' } }
    expect(await add(apple)).toMatchObject({ status: 201, body: { issuer: 'https://appleid.apple.com' } })
  })

  test('GitHub by the address of one’s own server', async () => {
    const { add } = await newAdmin()
    const issuer = 'https://github.example-company.com'
    expect(await add({ kind: 'github', issuer })).toMatchObject({ status: 201, body: { issuer } })
  })

  test('the secret is sealed for its row: in another one it opens nothing', async () => {
    const [one, two] = [await newTenantWith(service(), provider), await newTenantWith(service(), provider)]
    await service().sql(
      'update providers set sealed_secret = (select sealed_secret from providers where id = $1) where id = $2',
      [one.provider.id, two.provider.id],
    )
    const back = await signIn(two.client, provider, newPerson()).catch(() => ({ status: 500 }))
    expect(back.status).toBe(500)
    const [row] = await service().sql<{ sealed_secret: string }>(
      'select sealed_secret from providers where id = $1',
      [one.provider.id],
    )
    expect(row?.sealed_secret).not.toContain(CLIENT.secret)
  })
})

describe('refuses', () => {
  test.each([
    ['an issuer that is not there', { kind: 'oidc', issuer: undefined }, '/issuer', 'missing'],
    [
      'another issuer than that of the kind',
      { kind: 'google', issuer: 'https://idp.example' },
      '/issuer',
      'not_of_this_kind',
    ],
    [
      'an issuer with a query',
      { kind: 'oidc', issuer: 'https://idp.example/?x=1' },
      '/issuer',
      'not_an_issuer',
    ],
    ['Apple without its team', { kind: 'apple' }, '/settings/team_id', 'not_valid'],
    [
      'settings that the kind does not know',
      { kind: 'github', settings: { x: 'y' } },
      '/settings',
      'unknown_member',
    ],
    ['a kind that there is not', { kind: 'myspace' }, '/kind', 'not_allowed'],
    ['a slug that is no part of a path', { kind: 'github', slug: 'a/b' }, '/slug', 'invalid_slug'],
    ['a scope that is two', { kind: 'github', scopes: ['a b'] }, '/scopes/0', 'invalid_scope'],
    [
      'a domain that is none',
      { kind: 'github', allowed_domains: ['@x'] },
      '/allowed_domains/0',
      'invalid_domain',
    ],
  ])('%s', async (_, row, pointer, code) => {
    const { add } = await newAdmin()
    const answer = await add(row)
    expectProblem(answer, 'invalid_input')
    expect(answer.body).toMatchObject({ errors: [{ pointer, code }] })
  })

  test('a second one of the same slug, and a fifty-first', async () => {
    const { client, tokens, add } = await newAdmin()
    expect((await add({ kind: 'github' })).status).toBe(201)
    expectProblem(await add({ kind: 'github' }), 'provider_exists')
    await service().sql(
      `insert into providers (id, tenant_id, slug, kind, name, issuer, client_id, sealed_secret, scopes)
       select gen_random_uuid(), $1, 'p' || n, 'github', 'x', 'https://github.com', 'x', 'x', '{}' from generate_series(2, 50) as n`,
      [client.tenant.id],
    )
    expectProblem(await add({ kind: 'github', slug: 'one-more' }), 'too_many_providers')
    const { body } = await client.call<{ data: unknown[] }>('/v1/admin/providers', {
      bearer: tokens.access_token,
    })
    expect(body.data).toHaveLength(50)
  })

  test('who is no administrator, or authenticated too long ago', async () => {
    const { client, tokens, add } = await newAdmin()
    const { tokens: person } = await client.signUp()
    expectProblem(await addProvider(client, person.access_token, { kind: 'github' }), 'insufficient_role')
    await service().sql(`update sessions set auth_time = now() - interval '11 minutes' where id = $1`, [
      tokens.session.id,
    ])
    expectProblem(await add({ kind: 'github' }), 'insufficient_user_authentication')
  })
})

describe('D14: where an issuer may not lead', () => {
  let strict: Service
  let resolver: Resolver
  beforeAll(async () => {
    resolver = await startResolver()
    resolver.set('inside.customer.net', { A: a('10.0.0.7') })
    resolver.set('half.customer.net', { A: a('93.184.215.14'), AAAA: aaaa('fd00::1') })
    resolver.set('moving.customer.net', { A: a('93.184.215.14') })
    strict = await startService({
      bindings: {
        LIMITS_MULTIPLIER: '1000',
        WEBHOOK_PRIVATE_TARGETS: 'refused',
        DNS_OVER_HTTPS_URL: resolver.url,
      },
    })
  })
  afterAll(async () => {
    await strict?.stop()
    await resolver?.stop()
  })

  test.each([
    ['http://idp.customer.net', 'scheme_not_allowed'],
    ['https://idp.customer.net:8443', 'port_not_allowed'],
    ['https://169.254.169.254', 'address_literal'],
    ['https://[::1]', 'address_literal'],
    ['https://2130706433', 'address_literal'],
    ['https://localhost', 'not_a_public_name'],
    ['https://metadata.google.internal', 'not_a_public_name'],
    ['https://inside.customer.net', 'private_address'],
    ['https://half.customer.net', 'private_address'],
    ['https://user@idp.customer.net', 'userinfo_not_allowed'],
  ])('%s', async (issuer, code) => {
    const { add } = await newAdmin(strict)
    const answer = await add({ kind: 'oidc', issuer })
    expectProblem(answer, 'invalid_input')
    expect(answer.body).toMatchObject({ errors: [{ pointer: '/issuer', code }] })
  })

  test('a name that moves inside after it was added is looked up again, and not called', async () => {
    const { client, add } = await newAdmin(strict)
    expect((await add({ kind: 'oidc', issuer: 'https://moving.customer.net' })).status).toBe(201)
    resolver.set('moving.customer.net', { A: a('127.0.0.1') })
    await strict.sql(
      `update tenants set settings = settings || '{"redirect_uris": ["com.example.app:/back"]}' where id = $1`,
      [client.tenant.id],
    )
    const query = new URLSearchParams({
      redirect_uri: 'com.example.app:/back',
      code_challenge: 'A'.repeat(43),
    })
    expectProblem(await client.call(`/v1/oauth/idp/start?${query}`), 'upstream_unavailable')
  })
})

describe('Idempotency-Key', () => {
  const key = () => ({ headers: { 'idempotency-key': randomUUID() } })

  async function newCreator() {
    const client = await newClient(service())
    const { tokens } = await client.signUpAdmin()
    const create = (rest: object, options: { headers: Record<string, string> }) =>
      client.call('/v1/admin/providers', {
        bearer: tokens.access_token,
        json: { slug: 'idp', kind: 'google', name: 'IdP', client_id: 'x', client_secret: 'y', ...rest },
        ...options,
      })
    const count = async () => {
      const rows = await service().sql('select 1 from providers where tenant_id = $1', [client.tenant.id])
      return rows.length
    }
    return { client, create, count }
  }

  test('gives the first answer again, and adds nothing; with another body it is refused', async () => {
    const { create, count } = await newCreator()
    const same = key()
    const first = await create({}, same)
    const again = await create({}, same)
    expect(first.status).toBe(201)
    expect(again).toMatchObject({ status: 201, body: first.body })
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expectProblem(await create({ client_secret: 'z' }, same), 'idempotency_key_reused')
    expectProblem(await create({}, key()), 'provider_exists')
    expect(await count()).toBe(1)
  })

  test('of ten at once adds one provider: the others get its answer, or 409', async () => {
    const { create, count } = await newCreator()
    const same = key()
    const answers = await race(10, () => create({}, same))
    const made = answers.filter(({ status }) => status === 201)
    expect(new Set(made.map(({ body }) => (body as { id: string }).id)).size).toBe(1)
    for (const answer of answers.filter(({ status }) => status !== 201))
      expect(answer.body).toMatchObject({
        code: expect.stringMatching(/^(idempotency_key_in_use|provider_exists)$/),
      })
    expect(await count()).toBe(1)
  })

  test('is not used up by a refusal', async () => {
    const { create } = await newCreator()
    const same = key()
    expectProblem(await create({ kind: 'apple' }, same), 'invalid_input')
    expect((await create({}, same)).status).toBe(201)
  })
})
