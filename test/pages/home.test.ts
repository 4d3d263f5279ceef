/** newcomer 17: what is at `/`. */
import { expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

test('newcomer 17: a browser on the local stack is told what runs there, with what to try, and no trip is spent', async () => {
  const client = await newClient(service())
  const before = service().trips()
  const { status, headers, body } = await client.call<string>('/')
  expect(service().trips()).toEqual(before)
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
  expect(body).toContain(`B=${client.tenant.origin}`)
  expect(body).toContain('$B/v1/register')
  for (const path of ['/sign-up', '/sign-in', '/account', '/openapi.json'])
    expect(body).toContain(`href="${path}"`)
  expect(body).toContain('return_to=%2Fconsole"')
  expect(body).not.toContain('<script')
})

test('newcomer 17: another path and another method there get the problem that they always got', async () => {
  const client = await newClient(service())
  expectProblem(await client.call('/nothing'), 'not_found')
  expectProblem(await client.call('/', { method: 'POST' }), 'method_not_allowed')
})
