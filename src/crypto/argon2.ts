/**
 * Argon2 (RFC 9106, version 0x13) over hash-wasm's compiled modules: one synchronous call, one WebAssembly instance
 * per isolate, in which two hashes can never meet. It caps memory, not time, and knows nothing of PHC strings.
 *
 * The instance is kept even after a dear hash made it grow. workerd does not collect WebAssembly memories in time:
 * 20 dear hashes in turn with 20 normal ones took 124 MiB with one instance, 1360 MiB with a new one after each.
 */
import { type Blake2b, createBlake2b, littleEndian32, variableLengthHash } from './blake2b.ts'
import argon2Module from './wasm/argon2.wasm'
import blake2bModule from './wasm/blake2b.wasm'

/** What the instance may grow to, for an imported hash of Django's default; an isolate has 128 MB. Ours take at most 64 MiB. */
export const maxMemoryKiB = 100 * 1024

/** Argon2's inputs (RFC 9106 §3.1). Byte strings are taken as they are; memory is in KiB of 1024 bytes. */
export type Argon2Input = {
  readonly password: Uint8Array
  /** At least 8 bytes. */
  readonly salt: Uint8Array
  /** The secret value K, our pepper. */
  readonly secret?: Uint8Array
  readonly associatedData?: Uint8Array
  /** From 8 per lane to `maxMemoryKiB`. */
  readonly memoryKiB: number
  readonly iterations: number
  /** Lanes, 1 to 255. They run one after another here. */
  readonly parallelism: number
  /** Bytes of output, 4 to 1024. */
  readonly tagLength: number
  /** Default `id`. */
  readonly type?: Argon2Type
}

export type Argon2Type = keyof typeof typeCodes

const typeCodes = { d: 0, i: 1, id: 2 }
const version = 0x13
const blockBytes = 1024
const noBytes = new Uint8Array(0)

/** What argon2.wasm exports (hash-wasm src/argon2.c). */
type Argon2Exports = {
  readonly memory: WebAssembly.Memory
  readonly Hash_GetBuffer: () => number
  readonly Hash_SetMemorySize: (totalBytes: number) => number
  readonly Hash_Calculate: (unused: number, memoryKiB: number) => void
}

type Engine = { readonly wasm: Argon2Exports; readonly firstBlock: number; readonly blake2b: Blake2b }

/** `instances` counts how many were ever made; `memoryBytes` is the present one's WebAssembly memory. */
export type Argon2Statistics = { readonly instances: number; readonly memoryBytes: number }

export type Argon2 = {
  /** The tag. Throws a RangeError for parameters out of range. */
  readonly hash: (input: Argon2Input) => Uint8Array
  readonly statistics: () => Argon2Statistics
}

/** A driver with an instance of its own. The service has one, `argon2`; tests make theirs. */
export function createArgon2(instantiate: () => Argon2Exports = instantiateArgon2): Argon2 {
  let engine: Engine | null = null
  let instances = 0
  let isDirty = false

  function requireCleanEngine(): Engine {
    // A hash that was cut off half-way (a CPU limit) leaves blocks behind that would falsify the next one.
    if (engine && !isDirty) return engine
    const wasm = instantiate()
    engine = { wasm, firstBlock: wasm.Hash_GetBuffer(), blake2b: createBlake2b(blake2bModule) }
    instances += 1
    return engine
  }

  function hash(input: Argon2Input): Uint8Array {
    refuseOutOfRange(input)
    const current = requireCleanEngine()
    isDirty = true
    const blocks = reserveBlocks(current, input.memoryKiB)
    const tag = fillAndFinish(current, blocks, input)
    // The first pass XORs into its blocks, so the next hash is right only over zeros; this also wipes the secrets.
    blocks.fill(0)
    isDirty = false
    return tag
  }

  return { hash, statistics: () => ({ instances, memoryBytes: engine?.wasm.memory.buffer.byteLength ?? 0 }) }
}

/** The isolate's one instance: the only state in this folder. It holds no data between calls. */
const isolateArgon2 = createArgon2()

/** Argon2 of RFC 9106 §3.2. Synchronous: at 19456 KiB × 2 it holds the isolate for some 30 to 60 ms. */
export function argon2(input: Argon2Input): Uint8Array {
  return isolateArgon2.hash(input)
}

/** For tests and measurements: how many instances this isolate made and what the present one holds. */
export function argon2Statistics(): Argon2Statistics {
  return isolateArgon2.statistics()
}

export function instantiateArgon2(): Argon2Exports {
  // The binary is pinned by its SHA-256 (ops/extract-argon2.js), so its exports are known.
  return new WebAssembly.Instance(argon2Module).exports as unknown as Argon2Exports
}

function refuseOutOfRange(input: Argon2Input): void {
  const { salt, memoryKiB, iterations, parallelism, tagLength } = input
  const isBetween = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
  if (!isBetween(parallelism, 1, 255)) throw new RangeError('argon2: parallelism is not 1 to 255')
  if (!isBetween(memoryKiB, 8 * parallelism, maxMemoryKiB))
    throw new RangeError(`argon2: memory is not 8 KiB per lane to ${maxMemoryKiB} KiB`)
  if (!isBetween(iterations, 1, 2 ** 32 - 1)) throw new RangeError('argon2: iterations are not 1 to 2^32-1')
  if (!isBetween(tagLength, 4, 1024)) throw new RangeError('argon2: tag length is not 4 to 1024 bytes')
  if (salt.length < 8) throw new RangeError('argon2: salt is shorter than 8 bytes')
}

/** A view of the blocks and of one more, where the binary reads its parameters. Grows the memory if it must. */
function reserveBlocks({ wasm, firstBlock }: Engine, memoryKiB: number): Uint8Array {
  const neededBytes = (memoryKiB + 1) * blockBytes
  const isTooSmall = () => wasm.memory.buffer.byteLength - firstBlock < neededBytes
  if (isTooSmall()) wasm.Hash_SetMemorySize(neededBytes)
  if (isTooSmall()) throw new Error('argon2: the isolate refused the memory')
  return new Uint8Array(wasm.memory.buffer, firstBlock, neededBytes)
}

/** Steps 1 to 8 of RFC 9106 §3.2 over zeroed `blocks`. */
function fillAndFinish({ wasm, blake2b }: Engine, blocks: Uint8Array, input: Argon2Input): Uint8Array {
  const { password, salt, memoryKiB, iterations, parallelism, tagLength } = input
  const type = typeCodes[input.type ?? 'id']
  const parameters = littleEndian32(parallelism, tagLength, memoryKiB, iterations, version, type)
  // 1. H0: a hash of every input, each byte string preceded by its length.
  const byteStrings = [password, salt, input.secret ?? noBytes, input.associatedData ?? noBytes]
  const withLengths = byteStrings.flatMap((bytes) => [littleEndian32(bytes.length), bytes])
  const inputHash = blake2b(64, parameters, ...withLengths)
  // 2-4. The first two blocks of each lane; a lane has a multiple of four blocks.
  const laneBlocks = Math.floor(memoryKiB / (4 * parallelism)) * 4
  const seed = new Uint8Array(inputHash.length + 8)
  seed.set(inputHash)
  for (let lane = 0; lane < parallelism; lane++) {
    for (let column = 0; column < 2; column++) {
      seed.set(littleEndian32(column, lane), inputHash.length)
      const block = variableLengthHash(blake2b, blockBytes, seed)
      blocks.set(block, (lane * laneBlocks + column) * blockBytes)
    }
  }
  // 5-7. All other blocks, every pass; the XOR of the lanes' last blocks comes back in the first block.
  blocks.set(parameters, memoryKiB * blockBytes)
  wasm.Hash_Calculate(0, memoryKiB)
  // 8. The tag.
  return variableLengthHash(blake2b, tagLength, blocks.slice(0, blockBytes))
}
