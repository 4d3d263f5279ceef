/** The OpenAPI document as it is served, and as a linter that knows nothing of us reads it. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { DOCUMENT } from '../../ops/openapi.ts'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'openapi')

test('GET /openapi.json is the document of this checkout, for any page and for ten minutes', async () => {
  const answer = await (await newClient(service())).call('/openapi.json')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/json')
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expectCommonHeaders(answer, 'public, max-age=600')
  expect(answer.body).toEqual(JSON.parse(readFileSync(DOCUMENT, 'utf8')))
  expect(answer.trips).toEqual({ postgres: 0, redis: 0 })
})

test('the linter finds nothing in the document', async () => {
  const quiet = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const command = ['node_modules/@redocly/cli/bin/cli.js', 'lint', DOCUMENT, '--max-problems=20']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, command, {
    env: { ...process.env, ...quiet },
  }).catch((error: { stdout: string; stderr: string }) => error)
  expect(`${stdout}${stderr}`).toContain('Your API description is valid')
  expect(`${stdout}${stderr}`).not.toMatch(/warning/i)
})
