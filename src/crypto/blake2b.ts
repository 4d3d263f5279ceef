/**
 * BLAKE2b (RFC 7693, unkeyed) over hash-wasm's compiled module, and Argon2's variable-length hash H' made of it.
 * It serves argon2.ts only. It keeps nothing from one hash to the next: what it was fed is wiped.
 */

/** A hash of `parts` laid end to end; `length` is 1 to 64 bytes. */
export type Blake2b = (length: number, ...parts: Uint8Array[]) => Uint8Array

/** What blake2b.wasm exports (hash-wasm src/blake2b.c): input goes through a buffer of 16 KiB. */
type Blake2bExports = {
  readonly memory: WebAssembly.Memory
  readonly Hash_GetBuffer: () => number
  readonly Hash_Init: (outputBits: number) => void
  readonly Hash_Update: (byteCount: number) => void
  readonly Hash_Final: () => void
}

const bufferBytes = 16 * 1024

export function createBlake2b(compiledModule: WebAssembly.Module): Blake2b {
  // The binary is pinned by its SHA-256 (ops/extract-argon2.js), so its exports are known.
  const wasm = new WebAssembly.Instance(compiledModule).exports as unknown as Blake2bExports
  const buffer = new Uint8Array(wasm.memory.buffer, wasm.Hash_GetBuffer(), bufferBytes)
  return (length, ...parts) => {
    wasm.Hash_Init(length * 8)
    for (const part of parts) {
      for (let offset = 0; offset < part.length; offset += bufferBytes) {
        const chunk = part.subarray(offset, offset + bufferBytes)
        buffer.set(chunk)
        wasm.Hash_Update(chunk.length)
      }
    }
    wasm.Hash_Final()
    const digest = buffer.slice(0, length)
    buffer.fill(0)
    return digest
  }
}

/** H' of RFC 9106 §3.3: a hash of any `length`, chained from 64-byte hashes of which each gives 32 bytes. */
export function variableLengthHash(blake2b: Blake2b, length: number, input: Uint8Array): Uint8Array {
  if (length <= 64) return blake2b(length, littleEndian32(length), input)
  const output = new Uint8Array(length)
  const halves = Math.ceil(length / 32) - 2
  let link = blake2b(64, littleEndian32(length), input)
  output.set(link.subarray(0, 32))
  for (let half = 1; half < halves; half++) {
    link = blake2b(64, link)
    output.set(link.subarray(0, 32), half * 32)
  }
  output.set(blake2b(length - 32 * halves, link), 32 * halves)
  return output
}

/** LE32 of RFC 9106 §3.1: numbers one after another, 4 bytes each, the least significant byte first. */
export function littleEndian32(...numbers: number[]): Uint8Array {
  const bytes = new Uint8Array(numbers.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [index, value] of numbers.entries()) view.setUint32(index * 4, value, true)
  return bytes
}
