import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { registrationOptions } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: '/v1/passkeys/register/options',
  allow: 'POST',
  caller: 'bearer',
  json: { conditional: true },
  bodyIsOptional: true,
})

describe('accepts', () => {
  test('a caller who has just signed in: options for the browser, and a cookie that ties them to it', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    await client.me(tokens.access_token)
    const { answer, options, cookie } = await registrationOptions(client, tokens)
    expectCommonHeaders(answer)
    expect(answer.trips).toEqual({ redis: 1, postgres: 1 })
    expect(options).toMatchObject({
      rp: { id: new URL(client.tenant.origin).hostname, name: client.tenant.name },
      user: {
        id: Buffer.from(tokens.user.id.replaceAll('-', ''), 'hex').toString('base64url'),
        name: email,
        displayName: email,
      },
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      timeout: 300_000,
    })
    expect(cookie).toMatch(/^__Host-latchkey-ceremony=[\w-]{43}$/)
    expect(answer.headers.get('set-cookie')).toBe(
      `${cookie}; Max-Age=300; Path=/; HttpOnly; Secure; SameSite=Lax`,
    )
  })

  test('a second page of the same browser, whose challenge does not undo that of the first', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const first = await registrationOptions(client, tokens)
    const answer = await client.call('/v1/passkeys/register/options', {
      bearer: tokens.access_token,
      json: {},
      headers: { cookie: first.cookie },
    })
    expect(answer.headers.get('set-cookie')).toContain(`${first.cookie};`)
  })

  test('a browser that is to make it by itself: then no one is verified', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const { options } = await registrationOptions(client, tokens, { conditional: true })
    expect(options.authenticatorSelection.userVerification).toBe('preferred')
  })
})

describe('refuses', () => {
  test('a cookie that we did not make: the browser gets another', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    for (const value of ['', 'x', 'A'.repeat(44), `${'A'.repeat(42)}=`]) {
      const { headers } = await client.call('/v1/passkeys/register/options', {
        bearer: tokens.access_token,
        json: {},
        headers: { cookie: `__Host-latchkey-ceremony=${value}` },
      })
      expect(headers.get('set-cookie')).not.toContain(`=${value};`)
    }
  })
})
