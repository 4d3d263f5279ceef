import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, newEmail, PASSWORD, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { newPerson, newTenantWith, signIn, told } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

const APP_URI = 'com.example.app:/back'

/** An app that is sent a code. */
async function newCode(client: Client, person: Record<string, unknown> = newPerson()) {
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const back = await signIn(client, provider, person, { redirect_uri: APP_URI, code_challenge: challenge })
  return { back, verifier, code: told(back).code ?? '' }
}

const exchange = (client: Client, code: string, verifier: string) =>
  client.call<{ access_token: string; user: { email: string } }>('/v1/oauth/exchange', {
    json: { code, code_verifier: verifier },
  })

describe('accepts', () => {
  test('the code of an app with a scheme of its own, in one trip to Redis and two to PostgreSQL', async () => {
    const { client } = await newTenantWith(service(), provider)
    const person = newPerson()
    const { back, code, verifier } = await newCode(client, person)
    expect(back.headers.get('location')).toMatch(/^com\.example\.app:\/back\?code=/)
    expect(back.headers.getSetCookie()).toEqual([])
    await exchange(client, 'x', verifier)
    const answer = await exchange(client, code, verifier)
    expect(answer).toMatchObject({ status: 200, trips: { redis: 1, postgres: 2 } })
    expect(answer.body.user.email).toBe(person.email)
    expect((await client.me(answer.body.access_token)).status).toBe(200)
  })

  test('the code of an account that was first proved by the provider, whose older sessions are dead', async () => {
    const { client } = await newTenantWith(service(), provider)
    const email = newEmail()
    const { body: planted } = await client.register(email)
    const { code, verifier } = await newCode(client, newPerson(email))
    expect((await exchange(client, code, verifier)).status).toBe(200)
    expectProblem(await client.me(planted.access_token), 'invalid_token')
    expectProblem(await client.login(email, PASSWORD), 'invalid_credentials')
  })
})

describe('attacks', () => {
  test('of 50 exchanges of one code at once, one begins a session', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { code, verifier } = await newCode(client)
    const answers = await race(50, () => exchange(client, code, verifier))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('who has the code and another verifier gets nothing, and does not use it up', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { code, verifier } = await newCode(client)
    expectProblem(await exchange(client, code, 'B'.repeat(43)), 'invalid_code')
    expect((await exchange(client, code, verifier)).status).toBe(200)
  })

  test('a code that is a minute old, of another tenant, or of an account that was secured since', async () => {
    const [{ client }, other] = [
      await newTenantWith(service(), provider),
      await newTenantWith(service(), provider),
    ]
    const late = await newCode(client)
    expectProblem(await exchange(other.client, late.code, late.verifier), 'invalid_code')
    await service().sql(`update oauth_exchanges set expires_at = now() where tenant_id = $1`, [
      client.tenant.id,
    ])
    expectProblem(await exchange(client, late.code, late.verifier), 'invalid_code')
    const secured = await newCode(client)
    await service().sql(
      `update users set access_valid_from = clock_timestamp() where id in (
        select user_id from oauth_exchanges where tenant_id = $1)`,
      [client.tenant.id],
    )
    expectProblem(await exchange(client, secured.code, secured.verifier), 'invalid_code')
  })
})
