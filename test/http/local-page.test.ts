/** newcomer 17: what is at `/`. */
import { expect, test } from 'vitest'
import { isForLocalPage } from '../../src/local-page.ts'
import type { Settings } from '../../src/settings.ts'
import { newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useService } from '../support/service.ts'

const service = useService()
const BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

test('newcomer 17: a browser on the local stack is told what runs there, with lines to try, and no trip is spent', async () => {
  const client = await newClient(service())
  const before = service().trips()
  const { status, headers, body } = await client.call<string>('/', { headers: BROWSER })
  expect(service().trips()).toEqual(before)
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
  expect(body).toContain(`B=${client.tenant.origin}`)
  expect(body).toContain('$B/v1/register')
  expect(body).not.toContain('<script')
})

test('newcomer 17: a program, another path and another method there get the problem that they always got', async () => {
  const client = await newClient(service())
  expectProblem(await client.call('/', { headers: { accept: '*/*' } }), 'not_found')
  expectProblem(await client.call('/'), 'not_found')
  expectProblem(await client.call('/nothing', { headers: BROWSER }), 'not_found')
  expectProblem(await client.call('/', { method: 'POST', headers: BROWSER }), 'not_found')
})

test('newcomer 17: a deployment says nothing of itself there, to a browser either', () => {
  const request = new Request('https://auth.example.com/', { headers: BROWSER })
  const settings = (environment: 'local' | 'production') => ({
    settings: { environment } as Settings, // all that is looked at
    origin: 'https://auth.example.com',
  })
  expect(isForLocalPage(settings('local'), request)).toBe(true)
  expect(isForLocalPage(settings('production'), request)).toBe(false)
})
