import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const repository = fileURLToPath(new URL('../..', import.meta.url))

it('the committed Argon2 binaries are the reviewed ones of the installed hash-wasm', () => {
  const output = execFileSync(process.execPath, ['ops/extract-argon2.ts', '--check'], {
    cwd: repository,
    encoding: 'utf8',
  })
  expect(output).toContain('argon2.wasm: current')
  expect(output).toContain('blake2b.wasm: current')
  expect(output).toContain('LICENSE: current')
})
