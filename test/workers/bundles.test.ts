/** The bundles as `wrangler deploy` would upload them: only the Workers that hash passwords carry Argon2, and
 * only those of passkeys what verifies them. */
import { expect, inject, test } from 'vitest'
import { inspectBundle } from '../../ops/build.ts'
import { ALL_IN_ONE, environmentOf, readWorkers } from '../../ops/routes.ts'
import { requireBundle } from '../support/bundles.ts'

const folderOf = (worker: string) => requireBundle(inject('stack').bundles, environmentOf(worker))

const MAY_HASH = ['password', 'pages', ALL_IN_ONE]
const others = [...readWorkers().keys()].filter((worker) => !MAY_HASH.includes(worker))

test.each(others)('%s carries no Argon2: neither its WebAssembly nor its driver', async (worker) => {
  expect(await inspectBundle(await folderOf(worker))).toMatchObject({ wasm: [], carriesArgon2: false })
})

test.each(MAY_HASH)('%s carries Argon2, so the check above can fail', async (worker) => {
  const { wasm, carriesArgon2 } = await inspectBundle(await folderOf(worker))
  expect(carriesArgon2).toBe(true)
  expect(wasm).toEqual(['argon2.wasm', 'blake2b.wasm'])
})

test.each([...readWorkers().keys()])(
  '%s carries what verifies passkeys only where it answers for them',
  async (worker) => {
    const { carriesWebAuthn } = await inspectBundle(await folderOf(worker))
    expect(carriesWebAuthn).toBe(['passkey', 'pages', ALL_IN_ONE].includes(worker))
  },
)
