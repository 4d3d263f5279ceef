import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, { method: 'GET', path: '/v1/me', allow: 'GET, HEAD, PATCH, DELETE', caller: 'bearer' })

describe('accepts', () => {
  test('shows the person behind the token, and exactly the fields of the contract', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    const answer = await client.me(tokens.access_token)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.body).toEqual({
      id: tokens.user.id,
      email,
      email_verified: false,
      name: null,
      roles: [],
      locale: null,
      operational_mail: true,
      external_id: null,
      public_metadata: {},
    })
  })

  test('shows what the account is now, not what it was when the token was issued', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const promote = "update users set roles = '{admin}', email_verified_at = now() where id = $1"
    await service().sql(promote, [tokens.user.id])
    expect((await client.me(tokens.access_token)).body).toMatchObject({
      roles: ['admin'],
      email_verified: true,
    })
  })

  test('takes the scheme in any case (RFC 9110 §11.1)', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    for (const scheme of ['bearer', 'BEARER', 'Bearer']) {
      const headers = { authorization: `${scheme} ${tokens.access_token}` }
      expect((await client.call('/v1/me', { headers })).status).toBe(200)
    }
  })

  test('answers the same token a hundred times (CASES A11)', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    for (let time = 0; time < 100; time++) expect((await client.me(tokens.access_token)).status).toBe(200)
  })
})

describe('refuses', () => {
  test.each(['expires_at', 'idle_expires_at'])('a token whose session is past %s', async (column) => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await service().sql(`update sessions set ${column} = now() - interval '1 s' where id = $1`, [
      tokens.session.id,
    ])
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
  })

  test('a token of an account that was erased', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await service().sql('update users set deleted_at = now(), email = null where id = $1', [tokens.user.id])
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
  })
})
