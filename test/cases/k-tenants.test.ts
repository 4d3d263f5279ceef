/** CASES.md group K: what one tenant gave out at the host of another that has the same person, and ids that two kinds of things share. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeAt, verifyMfa } from '../support/authenticator.ts'
import { claimsOf } from '../support/claims.ts'
import { type Client, newClient, newEmail, PASSWORD, type Tokens } from '../support/client.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { plantApiKey } from '../support/planted-api-keys.ts'
import { useLentService } from '../support/service.ts'
import { comeBack, newPerson, newTenantWith, start, storedOf } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

/** The same person, by the same address and password, in two tenants. */
async function newTwins() {
  const [here, there] = [await newClient(service()), await newClient(service())]
  const email = newEmail()
  const { body: mine } = await here.register(email)
  const { body: theirs } = await there.register(email)
  return { here, there, email, mine, theirs }
}

const cookieOf = (token: string) => ({ cookie: `__Host-latchkey=${token}`, 'sec-fetch-site': 'same-origin' })

describe('K06: what one tenant gave out, at the host of another', () => {
  test('a refresh token and a cookie refresh nothing and end nothing', async () => {
    const { here, there, mine, theirs } = await newTwins()
    expectProblem(await there.refresh(mine.refresh_token), 'invalid_grant')
    const byCookie = { method: 'POST', headers: cookieOf(mine.refresh_token) }
    expectProblem(await there.call('/v1/refresh', byCookie), 'invalid_grant')
    await there.logout(mine.refresh_token)
    expect((await here.refresh(mine.refresh_token)).status).toBe(200)
    expect((await there.refresh(theirs.refresh_token)).status).toBe(200)
  })

  test('a sign-in is that of the host, whichever tenant the caller names, and stays so when it is refreshed', async () => {
    const { here, there, email, theirs } = await newTwins()
    const { id } = here.tenant
    for (const name of ['tenant_id', 'tenant', 'tid', 'iss', 'audience'])
      expectInvalidInput(await there.login(email, PASSWORD, { [name]: id }), {
        [`/${name}`]: 'unknown_field',
      })
    const { body } = await there.call<Tokens>('/v1/login', {
      json: { email, password: PASSWORD },
      headers: { 'x-tenant-id': id, 'x-forwarded-host': here.tenant.host, origin: there.tenant.origin },
    })
    const { body: refreshed } = await there.refresh(body.refresh_token)
    for (const { access_token } of [body, refreshed])
      expect(claimsOf(access_token)).toMatchObject({
        ...{ iss: there.tenant.origin, tid: there.tenant.id, sub: theirs.user.id },
      })
  })

  test('the second step of a sign-in is not answered, and waits for its own host', async () => {
    const { here, there, mine } = await newTwins()
    const { mfaToken, secret } = await here.withFactor(mine, { purpose: 'sign_in' })
    const first = { status: 'mfa_required', mfa_token: mfaToken, methods: [], expires_in: 300 }
    expectProblem(await verifyMfa(there, first, codeAt(secret)), 'invalid_mfa_token')
    expect((await verifyMfa(here, first, codeAt(secret))).status).toBe(200)
  })

  test('a mailed link does nothing, and waits for its own host', async () => {
    const { here, there, email, mine } = await newTwins()
    const { token } = await here.plant('reset_password', mine)
    const reset = (client: Client) =>
      client.call('/v1/password/reset', { json: { token, password: 'another battery staple' } })
    expectProblem(await reset(there), 'invalid_one_time_token')
    expect((await there.login(email)).status, 'the password of the other is as it was').toBe(200)
    expect((await reset(here)).status).toBe(204)
    expect((await there.login(email)).status).toBe(200)
  })

  describe('a sign-in at a provider', () => {
    let provider: IdentityProvider
    beforeAll(async () => {
      provider = await startIdentityProvider()
    })
    afterAll(() => provider.stop())

    test('ends where it began: the same provider of another tenant takes neither state nor cookie', async () => {
      const [here, there] = [
        await newTenantWith(service(), provider),
        await newTenantWith(service(), provider),
      ]
      const before = await storedOf(service(), there.client)
      const begun = await start(here.client)
      const answer = provider.consent(begun.url, newPerson())
      expectProblem(await comeBack(there.client, answer, begun.cookie), 'invalid_oauth_state')
      expect(await storedOf(service(), there.client)).toEqual(before)
      expect((await comeBack(here.client, answer, begun.cookie)).status, 'it waits for its own host').toBe(
        303,
      )
    })
  })
})

describe('K07: an id that things of two kinds have', () => {
  /** An administrator whose session, key and passkey have one id, which a webhook endpoint has, too. */
  async function newNamesake() {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    const { id } = tokens.session // a webhook endpoint has it already (makeAdmin)
    const key = await plantApiKey(service(), client.tenant, tokens.user.id)
    const passkey = await client.plantedPasskey(tokens)
    await service().sql('update api_keys set id = $2 where id = $1', [key.id, id])
    await service().sql('update passkeys set id = $2 where id = $1', [passkey.id, id])
    return { client, tokens, id }
  }

  const presence = async (id: string) => {
    const [row] = await service().sql(
      `select (select count(*)::int from sessions where id = $1 and revoked_at is null) as session,
         (select count(*)::int from api_keys where id = $1 and revoked_at is null) as key,
         (select count(*)::int from passkeys where id = $1) as passkey,
         (select count(*)::int from webhook_endpoints where id = $1) as webhook`,
      [id],
    )
    return row
  }

  test('names the one of its path: each is removed alone', async () => {
    const { client, tokens, id } = await newNamesake()
    const remove = async (path: string) =>
      (await client.call(`${path}/${id}`, { method: 'DELETE', bearer: tokens.access_token })).status
    expect(await presence(id)).toEqual({ session: 1, key: 1, passkey: 1, webhook: 1 })
    expect(await remove('/v1/api-keys')).toBeLessThan(300)
    expect(await presence(id)).toEqual({ session: 1, key: 0, passkey: 1, webhook: 1 })
    expect(await remove('/v1/webhooks')).toBeLessThan(300)
    expect(await presence(id)).toEqual({ session: 1, key: 0, passkey: 1, webhook: 0 })
    expect(await remove('/v1/passkeys')).toBeLessThan(300)
    expect(await presence(id)).toEqual({ session: 1, key: 0, passkey: 0, webhook: 0 })
    expect(await remove('/v1/sessions')).toBeLessThan(300)
    expect((await presence(id))?.session).toBe(0)
  })

  test('a person whose id is that of the tenant has none of the tenant’s keys, nor the tenant theirs', async () => {
    const client = await newClient(service())
    const { tokens: admin } = await client.newAdmin()
    const { id } = await client.plantedAccount({ id: client.tenant.id })
    const theirs = await plantApiKey(service(), client.tenant, id)
    const tenants = await plantApiKey(service(), client.tenant, null)
    const verified = async (key: string) => (await client.call('/v1/api-keys/verify', { json: { key } })).body
    expect(await verified(theirs.key)).toMatchObject({ owner: { type: 'user', id } })
    expect(await verified(tenants.key)).toMatchObject({ owner: { type: 'tenant', id } })
    const listed = await client.call<{ data: { id: string }[] }>('/v1/api-keys?owner=tenant', {
      bearer: admin.access_token,
    })
    expect(listed.body.data.map((one) => one.id)).toEqual([tenants.id])
    await service().sql(`update users set status = 'disabled' where id = $1`, [id])
    expect([await verified(theirs.key), await verified(tenants.key)]).toMatchObject([
      { valid: false },
      { valid: true },
    ])
  })
})

describe('K08: an id under the path of another kind', () => {
  test('is not found, and what has it stays', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAdmin()
    const other = await client.signIn(email)
    const key = await client.plantedApiKey(tokens)
    const passkey = await client.plantedPasskey(tokens)
    const trust = await client.plantedTrust(tokens)
    const identity = await client.plantedSocial.identity(tokens)
    const provider = await client.plantedSocial.provider()
    const [webhook] = await service().sql<{ id: string }>(
      `insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
       values (gen_random_uuid(), $1, 'https://hooks.example.net/', '{*}', 'k1.AAAA.AAAA') returning id`,
      [client.tenant.id],
    )
    const owned: Record<string, string> = {
      '/v1/sessions': other.session.id,
      '/v1/api-keys': key.id,
      '/v1/passkeys': passkey.id,
      '/v1/mfa/trusted-devices': trust.id,
      '/v1/identities': identity.id,
      '/v1/admin/providers': provider.id,
      '/v1/webhooks': webhook?.id ?? '',
    }
    const kept = await countsOf(client)
    for (const path of Object.keys(owned))
      for (const [parent, id] of Object.entries(owned))
        if (parent !== path)
          expectProblem(
            await client.call(`${path}/${id}`, { method: 'DELETE', bearer: tokens.access_token }),
            'not_found',
          )
    expect(await countsOf(client)).toEqual(kept)
  })

  const countsOf = async ({ tenant }: Client) =>
    service().sql(
      `select (select count(*)::int from sessions where tenant_id = $1 and revoked_at is null) as sessions,
         (select count(*)::int from api_keys where tenant_id = $1 and revoked_at is null) as keys,
         (select count(*)::int from passkeys where tenant_id = $1) as passkeys,
         (select count(*)::int from trusted_devices where tenant_id = $1) as trusts,
         (select count(*)::int from identities where tenant_id = $1) as identities,
         (select count(*)::int from providers where tenant_id = $1) as providers,
         (select count(*)::int from webhook_endpoints where tenant_id = $1) as webhooks`,
      [tenant.id],
    )
})
