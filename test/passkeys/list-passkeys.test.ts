import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { attemptSignIn, type ListedPasskey, newPasskey } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, { method: 'GET', path: '/v1/passkeys', allow: 'GET, HEAD', caller: 'bearer' })

describe('accepts', () => {
  test("lists the caller's passkeys, oldest first, and what the browser is told them by", async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const first = await newPasskey(client, tokens, { name: 'Laptop' })
    const second = await newPasskey(client, tokens, { name: 'Phone', backupEligible: false, transports: [] })
    await attemptSignIn(client, second.passkey)
    const answer = await client.call<{ data: ListedPasskey[] }>('/v1/passkeys', {
      bearer: tokens.access_token,
    })
    expectCommonHeaders(answer)
    expect(answer).toMatchObject({ status: 200, trips: { redis: 1, postgres: 1 } })
    expect(answer.body).toEqual({
      data: [
        first.listed,
        {
          ...second.listed,
          last_used_at: expect.stringMatching(/^20\d\d-.*Z$/),
          backed_up: false,
          transports: [],
        },
      ],
      next_cursor: null,
      rp_id: new URL(client.tenant.origin).hostname,
      user_handle: first.passkey.userHandle,
    })
  })

  test('an account that has none', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { body } = await client.call('/v1/passkeys', { bearer: tokens.access_token })
    expect(body).toMatchObject({ data: [], next_cursor: null })
  })
})
