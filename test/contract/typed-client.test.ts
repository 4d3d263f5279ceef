/** A typed client of the document: openapi-typescript makes its types, and a program that uses them compiles. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { DOCUMENT } from '../../ops/openapi.ts'

const TOOL = 'tools/typed-client'

const run = async (script: string, ...args: string[]): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    `${TOOL}/node_modules/${script}`,
    ...args,
  ]).catch((error: { stdout: string; stderr: string }) => error)
  return stdout + stderr
}

test('a program that uses the types of the document compiles, and each of its mistakes does not', {
  timeout: 120_000,
}, async () => {
  const types = `${TOOL}/.generated/openapi.ts`
  expect(await run('openapi-typescript/bin/cli.js', DOCUMENT, '-o', types)).toContain(types)
  // Lines with @ts-expect-error fail the compilation when they compile.
  expect(await run('typescript/bin/tsc', '-p', `${TOOL}/tsconfig.json`)).toBe('')
})
