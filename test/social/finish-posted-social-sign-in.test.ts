import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { newPerson, newTenantWith, postBack, RETURN, start, storedOf, whoIs } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterAll(() => provider.stop())

async function begun() {
  const { client } = await newTenantWith(service(), provider)
  const { url, cookie } = await start(client)
  const person = newPerson()
  return { client, cookie, person, returned: provider.consent(url, person) }
}

describe('accepts', () => {
  test('what the page of a provider posts: the person is signed in, and sent on by 303', async () => {
    const { client, cookie, person, returned } = await begun()
    const back = await postBack(client, returned, cookie)
    expect(back.status).toBe(303)
    expect(back.headers.get('location')).toBe(RETURN)
    expect((await whoIs(client, back)).body.user).toMatchObject({ email: person.email, email_verified: true })
  })

  test('a member that the provider adds is not looked at', async () => {
    const { client, cookie, returned } = await begun()
    expect((await postBack(client, { ...returned, hd: 'example.com' }, cookie)).status).toBe(303)
  })
})

describe('refuses', () => {
  test('a browser without the cookie, or with that of the other way back', async () => {
    const { client, cookie, returned } = await begun()
    const before = await storedOf(service(), client)
    const post = (headers: Record<string, string>) =>
      client.call('/v1/oauth/idp/callback', {
        body: new URLSearchParams(returned).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      })
    for (const headers of [{}, { cookie }])
      expectProblem(await post(headers as Record<string, string>), 'invalid_oauth_state')
    expect(await storedOf(service(), client)).toEqual(before)
  })

  test('JSON, and a field that is there twice', async () => {
    const { client, cookie, returned } = await begun()
    const headers = { cookie: cookie.replace('__Host-latchkey-oauth=', '__Host-latchkey-oauth-post=') }
    const post = (type: string, body: string) =>
      client.call('/v1/oauth/idp/callback', { body, headers: { ...headers, 'content-type': type } })
    expectProblem(await post('application/json', JSON.stringify(returned)), 'unsupported_media_type')
    const twice = `${new URLSearchParams(returned)}&state=${returned.state}`
    expectProblem(await post('application/x-www-form-urlencoded', twice), 'invalid_input')
  })
})

describe('attacks', () => {
  test('50 posts of one answer: one session', async () => {
    const { client, cookie, returned } = await begun()
    const answers = await race(50, () => postBack(client, returned, cookie))
    expect(answers.filter(({ headers }) => headers.getSetCookie().length > 0)).toHaveLength(1)
    for (const { status } of answers) expect([303, 400]).toContain(status)
  })
})
