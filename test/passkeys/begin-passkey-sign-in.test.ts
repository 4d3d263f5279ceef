import { expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { signInOptions } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: '/v1/passkeys/login/options',
  allow: 'POST',
  caller: 'anyone',
  json: {},
  bodyIsOptional: true,
})

test('answers anyone, in one trip to each, with a challenge and a cookie that ties it to the browser', async () => {
  const client = await newClient(service())
  const { answer, cookie } = await signInOptions(client)
  expectCommonHeaders(answer)
  expect(answer.trips).toEqual({ redis: 1, postgres: 1 })
  expect(cookie).toMatch(/^__Host-latchkey-ceremony=[\w-]{43}$/)
  expect(answer.headers.get('set-cookie')).toBe(
    `${cookie}; Max-Age=300; Path=/; HttpOnly; Secure; SameSite=Lax`,
  )
})

test('refuses a page that the tenant has not allowed, and gives it no challenge', async () => {
  const client = await newClient(service())
  const answer = await client.call('/v1/passkeys/login/options', {
    json: {},
    headers: { origin: 'https://evil.example' },
  })
  expectProblem(answer, 'origin_not_allowed')
  expect(answer.headers.getSetCookie()).toEqual([])
})
