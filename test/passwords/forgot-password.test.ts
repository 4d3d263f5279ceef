import { describe, expect, test } from 'vitest'
import { asksByAddress } from '../support/asking.ts'
import { newClient, PASSWORD } from '../support/client.ts'
import { tokensOf } from '../support/one-time.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

asksByAddress(service, {
  path: '/v1/password/forgot',
  purpose: 'reset_password',
  event: 'password.reset_requested',
  body: { status: 'reset_sent' },
})

const forget = async (client: Awaited<ReturnType<typeof newClient>>, email: string) => {
  const { status } = await client.call('/v1/password/forgot', { json: { email } })
  expect(status).toBe(202)
}

describe('accepts', () => {
  test('asking changes nothing: the password, the sessions and the address stay what they are', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await forget(client, email)
    expect((await client.login(email, PASSWORD)).status).toBe(200)
    expect((await client.me(tokens.access_token)).body).toMatchObject(tokens.user)
  })

  test('the token lives half an hour', async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    await forget(client, email)
    const [row] = await service().sql(
      'select extract(epoch from expires_at - created_at)::int as seconds from one_time_tokens where tenant_id = $1',
      [client.tenant.id],
    )
    expect(row).toEqual({ seconds: 30 * 60 })
  })

  test('an account that has no password yet may get one so', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    await service().sql('delete from passwords where user_id = $1', [tokens.user.id])
    await forget(client, email)
    const { token } = await client.mailed('reset_password', tokens)
    const json = { token, password: 'another battery staple' }
    expect((await client.call('/v1/password/reset', { json })).status).toBe(204)
    expect((await client.login(email, json.password)).status).toBe(200)
  })
})

describe('attacks', () => {
  test("a tenant's account is no one in another tenant", async () => {
    const [client, elsewhere] = [await newClient(service()), await newClient(service())]
    const { email } = await client.newAccount()
    await forget(elsewhere, email)
    expect(await tokensOf(service(), client.tenant)).toEqual([])
    expect(await tokensOf(service(), elsewhere.tenant)).toMatchObject([{ user_id: null }])
  })

  test('what strangers ask for leaves a link of another purpose alone (CASES H12)', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const pending = await client.plant('verify_email', tokens)
    await forget(client, email)
    const json = { token: pending.token, password: PASSWORD }
    expect((await client.call('/v1/email/verify', { json })).status).toBe(200)
  })
})
