/** `npm run deploy` as an operator runs it, in a project of its own, and never without `--dry-run` or a refusal. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const DEPLOY = path.resolve('ops/deploy.ts')
let project: string

beforeAll(() => {
  project = mkdtempSync(path.join(tmpdir(), 'latchkey-deploy-'))
  writeFileSync(path.join(project, 'worker.js'), 'export default { fetch: () => new Response() }')
  writeFileSync(
    path.join(project, 'wrangler.toml'),
    `name = "all"
     main = "worker.js"
     compatibility_date = "2026-10-20"
     routes = [{ pattern = "auth.example.com", custom_domain = true }]
     [env.session]
     name = "all-session"
     main = "worker.js"
     routes = [{ pattern = "auth.example.com/v1/me*", zone_name = "example.com" }]
     [env.broken]
     name = "all-broken"
     main = "absent.js"
     routes = []`,
  )
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

function deploy(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [DEPLOY, ...args], {
    cwd: project,
    encoding: 'utf8',
    // Should a refusal ever fail to refuse, wrangler has no account to deploy to.
    env: { ...process.env, CLOUDFLARE_API_TOKEN: '', HOME: project },
  })
  return { status, printed: stdout + stderr }
}

test.each([[[]], [['session']]])('refuses the placeholder host, and says what to change: %j', (args) => {
  const { status, printed } = deploy(...args)
  expect(status).toBe(1)
  expect(printed).toContain('Put your own host in place of auth.example.com')
  expect(printed).not.toContain('wrangler deploy')
})

test('a dry run prints the command and builds the named Worker', () => {
  const { status, printed } = deploy('session', '--dry-run')
  expect(printed).toContain('wrangler deploy --env=session --dry-run')
  expect(printed).toContain('Total Upload')
  expect(status).toBe(0)
})

test("ends with wrangler's exit code, at the first Worker that fails", () => {
  const { status, printed } = deploy('broken', 'session', '--dry-run')
  expect(status).not.toBe(0)
  expect(printed).not.toContain('--env=session')
})

test('refuses a Worker or an option that does not exist', () => {
  expect(deploy('sesion')).toMatchObject({ status: 1, printed: expect.stringContaining('no Worker sesion') })
  expect(deploy('--force')).toMatchObject({ status: 1, printed: expect.stringContaining('unknown option') })
})
