/**
 * `npm run bench -- --argon2` — what a hash takes (Argon2id, 19 MiB, two passes) by our driver in workerd; in Node by
 * the binaries of hash-wasm's releases, by that package as it comes, by a build with SIMD (openpgpjs), and by Node's own; in turns. The packages go into .latchkey/argon2, not into ours.
 */
import { execFile } from 'node:child_process'
import { argon2Sync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { createSender, type Send } from './client.ts'
import { startFloor } from './floor.ts'
import { describeMachine, watchLoad } from './machine.ts'
import { measure } from './measure.ts'
import type { Task } from './operations.ts'

const FOLDER = '.latchkey/argon2'
const NEWEST = '4.13.0'
const RELEASES = ['4.9.0', '4.11.0', '4.12.0', NEWEST]
const SIMD = 'argon2id'
const MEMORY_KIB = 19456
const PASSES = 2
const PASSWORD = 'correct horse battery'
const SALT = Buffer.alloc(16, 7)

type HashWasm = { argon2id(options: object): Promise<Uint8Array> }
type Simd = { computeHash(options: object): Uint8Array }

/** The types of this folder are Node's, which leave it out. */
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: {
    instantiate(binary: Uint8Array, imports: object): Promise<{ instance: { exports: object } }>
  }
}

const nameOf = (release: string) => `hash-wasm-${release}`

async function install(): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const releases = RELEASES.map((release) => [nameOf(release), `npm:hash-wasm@${release}`])
  const dependencies = { ...Object.fromEntries(releases), [SIMD]: '1.0.1' }
  await writeFile(path.join(FOLDER, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: FOLDER,
  })
}

type Binary = {
  memory: { buffer: ArrayBuffer }
  Hash_GetBuffer(): number
  Hash_SetMemorySize(bytes: number): number
  Hash_Calculate(unused: number, memoryKiB: number): void
}

/** The binary of a release in one instance, as our driver (src/crypto/argon2.ts) runs it; only the two blocks of its seed are zeros. */
async function bareTask(release: string): Promise<Task> {
  const file = path.resolve(FOLDER, 'node_modules', nameOf(release), 'dist/index.esm.js')
  const [, base64] =
    /var name(?:\$\w+)? = ['"]argon2['"];\s*var data(?:\$\w+)? = ['"]([A-Za-z0-9+/=]+)['"];/.exec(
      await readFile(file, 'utf8'),
    ) ?? []
  if (!base64) throw new Error(`hash-wasm ${release} carries its binary elsewhere`)
  const { instance } = await wasm.instantiate(Buffer.from(base64, 'base64'), {})
  const { memory, ...binary } = instance.exports as Binary // of src/argon2.c, in all of these releases
  const neededBytes = (MEMORY_KIB + 1) * 1024
  const firstBlock = binary.Hash_GetBuffer()
  binary.Hash_SetMemorySize(neededBytes)
  const blocks = new Uint8Array(memory.buffer, firstBlock, neededBytes)
  const parameters = new Uint32Array([1, 32, MEMORY_KIB, PASSES, 0x13, 2])
  return {
    name: `its binary of ${release}, one instance`,
    run: async () => {
      blocks.fill(0)
      blocks.set(new Uint8Array(parameters.buffer), MEMORY_KIB * 1024)
      binary.Hash_Calculate(0, MEMORY_KIB)
    },
  }
}

/** Its package is made for bundlers; here its binary is loaded by hand. */
async function loadSimd(): Promise<Simd['computeHash']> {
  const folder = path.resolve(FOLDER, 'node_modules', SIMD)
  const setup: { default(simd: unknown, other: unknown): Promise<Simd['computeHash']> } = await import(
    path.join(folder, 'lib/setup.js')
  )
  const binary = await readFile(path.join(folder, 'dist/simd.wasm'))
  const load = (imports: object) => wasm.instantiate(binary, imports)
  return setup.default(load, load)
}

export async function measureArgon2(): Promise<void> {
  await install()
  const floor = await startFloor()
  // A connection for each call: a kept one would end, unseen, while Node itself hashes.
  const send: Send = async (call) => {
    const sender = createSender(floor.port)
    return sender.send(call).finally(sender.close)
  }
  try {
    const { body: phc } = await send({ path: '/hash' })
    const require = createRequire(path.resolve(FOLDER, 'package.json'))
    const cost = {
      password: PASSWORD,
      salt: SALT,
      iterations: PASSES,
      parallelism: 1,
      memorySize: MEMORY_KIB,
    }
    const { argon2id }: HashWasm = require(nameOf(NEWEST))
    const computeSimd = await loadSimd()
    const tasks: Task[] = [
      { name: 'empty request', run: () => send({ path: '/empty' }) },
      { name: 'our driver, in workerd', run: () => send({ path: '/verify', text: phc }) },
      ...(await Promise.all(RELEASES.map(bareTask))),
      {
        name: `hash-wasm ${NEWEST} as it comes`,
        run: () => argon2id({ ...cost, hashLength: 32, outputType: 'binary' }),
      },
      {
        name: 'argon2id 1.0.1, with SIMD',
        run: async () =>
          computeSimd({
            ...{ password: Buffer.from(PASSWORD), salt: SALT, parallelism: 1, passes: PASSES },
            ...{ memorySize: MEMORY_KIB, tagLength: 32 },
          }),
      },
      {
        name: "Node's own",
        run: async () =>
          argon2Sync('argon2id', {
            ...{
              message: PASSWORD,
              nonce: SALT,
              parallelism: 1,
              tagLength: 32,
              memory: 19456,
              passes: PASSES,
            },
          }),
      },
    ]
    const meters = { cpu: () => 0, trips: () => ({ postgres: 0, redis: 0 }) }
    await measure(tasks, { rounds: 1, callsPerTurn: 10 }, meters)
    const loadSince = watchLoad()
    const measured = await measure(tasks, { rounds: 8, callsPerTurn: 5 }, meters)
    const { othersShare } = loadSince()
    const medianOf = (name: string) => measured.get(name)?.medianMs ?? Number.NaN
    const native = medianOf("Node's own")
    const rows = tasks.slice(1).map(({ name }) => {
      const ms = medianOf(name) - (name.endsWith('workerd') ? medianOf('empty request') : 0)
      return [name, { 'p50 ms': Number(ms.toFixed(1)), 'over native': Number((ms / native).toFixed(2)) }]
    })
    console.table(Object.fromEntries(rows))
    const { cores, cpu, node } = describeMachine()
    console.log(
      `${cores} × ${cpu}, Node ${node}, ${(othersShare * 100).toFixed(0)} % of the machine taken by others`,
    )
  } finally {
    await floor.stop()
  }
}
