/** `npm run build` in a project of its own, whose `session` Worker took in Argon2 and whose `discovery` Worker is broken. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

let project: string
let built: { status: number | null; printed: string }

beforeAll(() => {
  project = mkdtempSync(path.join(tmpdir(), 'latchkey-build-'))
  const write = (file: string, text: string) => writeFileSync(path.join(project, file), text)
  write('hashes.js', 'export default { fetch: (request, env) => new Response(env.wasm.Hash_Calculate()) }')
  write('plain.js', 'export default { fetch: () => new Response() }')
  write('broken.js', "export * from './absent.js'")
  const worker = (name: string, main: string) => `name = "${name}"\nmain = "${main}"\nroutes = []\n`
  write(
    'wrangler.toml',
    `compatibility_date = "2026-10-20"\n${worker('all', 'hashes.js')}
     [env.password]\n${worker('all-password', 'hashes.js')}
     [env.session]\n${worker('all-session', 'hashes.js')}
     [env.email]\n${worker('all-email', 'plain.js')}
     [env.discovery]\n${worker('all-discovery', 'broken.js')}`,
  )
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.resolve('ops/build.ts')], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, HOME: project },
  })
  built = { status, printed: stdout + stderr }
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

test('fails when a Worker other than password and the all-in-one carries Argon2, and names it', () => {
  expect(built.status).toBe(1)
  expect(built.printed.match(/the Worker (\S+) carries Argon2/g)).toEqual([
    'the Worker session carries Argon2',
  ])
})

test('says which Worker does not build, and why', () => {
  expect(built.printed.match(/the Worker (\S+) does not build/g)).toEqual([
    'the Worker discovery does not build',
  ])
  expect(built.printed).toContain('absent.js')
})

test('prints the size of every Worker that builds', () => {
  for (const worker of ['all-in-one', 'password', 'session', 'email'])
    expect(built.printed).toMatch(new RegExp(`${worker} +│ [\\d.]+ +│ [\\d.]+ +│`))
})
