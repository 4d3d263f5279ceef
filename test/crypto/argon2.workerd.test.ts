import { describe, expect, test } from 'vitest'
import {
  type Argon2Input,
  argon2,
  argon2Statistics,
  createArgon2,
  instantiateArgon2,
  maxMemoryKiB,
} from '../../src/crypto/argon2.ts'
import { fromHex, random, toHex, utf8 } from '../support/bytes-and-keys.ts'
import fixtures from './argon2-node.fixtures.json'

const rfcInput = {
  password: new Uint8Array(32).fill(1),
  salt: new Uint8Array(16).fill(2),
  secret: new Uint8Array(8).fill(3),
  associatedData: new Uint8Array(12).fill(4),
  memoryKiB: 32,
  iterations: 3,
  parallelism: 4,
  tagLength: 32,
}
const rfcIdTag = '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659'

const small: Argon2Input = {
  password: utf8('correct horse'),
  salt: new Uint8Array(16).fill(9),
  memoryKiB: 64,
  iterations: 1,
  parallelism: 1,
  tagLength: 32,
}

describe('Argon2 computes', () => {
  test.each([
    ['d', '512b391b6f1162975371d30919734294f868e3be3984f3c1a13a4db9fabe4acb'],
    ['i', 'c814d9d1dc7f37aa13f0d77f2494bda1c8de6b016dd388d29952a4c4672b6ce8'],
    ['id', rfcIdTag],
  ] as const)('the RFC 9106 section 5 vector of type %s, with a secret and associated data', (type, tag) => {
    expect(toHex(argon2({ ...rfcInput, type }))).toBe(tag)
  })

  test('Argon2id when no type is named', () => {
    expect(toHex(argon2(rfcInput))).toBe(rfcIdTag)
  })

  test('what Node 24 computes natively, over a random grid with non-ASCII and 40 kB passwords', () => {
    expect(fixtures.cases.length).toBeGreaterThan(60)
    for (const { type, unit, repeat, salt, secret, associatedData, tag, ...cost } of fixtures.cases) {
      const computed = argon2({
        ...cost,
        // The fixture file holds these three types only.
        type: type as 'd' | 'i' | 'id',
        password: utf8(unit.repeat(repeat)),
        salt: fromHex(salt),
        secret: fromHex(secret),
        associatedData: fromHex(associatedData),
      })
      expect(toHex(computed), JSON.stringify({ type, unit, repeat, ...cost })).toBe(tag)
    }
  })
})

describe('Argon2 keeps its memory', () => {
  test('to one instance, however many hashes run', () => {
    for (let run = 0; run < 20; run++) argon2({ ...small, password: random(20) })
    expect(argon2Statistics().instances).toBe(1)
  })

  test('to one instance even after a dear hash, because a new one would be memory that workerd does not collect', () => {
    const { hash, statistics } = createArgon2()
    for (let run = 0; run < 3; run++) {
      hash({ ...small, memoryKiB: maxMemoryKiB })
      hash({ ...small, memoryKiB: 19456 })
    }
    expect(statistics().instances).toBe(1)
    expect(statistics().memoryBytes).toBeLessThan(102 * 1024 * 1024)
  })

  test('to about 19 MiB at the default cost', () => {
    const { hash, statistics } = createArgon2()
    hash({ ...small, memoryKiB: 19456 })
    expect(statistics().memoryBytes).toBeLessThan(20 * 1024 * 1024)
  })

  test('free of what an earlier hash left, whatever the sizes in turn', () => {
    const { hash } = createArgon2()
    for (const memoryKiB of [64, 8, 1024, 64, 19456, 64]) {
      const input = { ...small, memoryKiB }
      expect(toHex(hash(input))).toBe(toHex(createArgon2().hash(input)))
    }
    expect(toHex(hash(rfcInput))).toBe(rfcIdTag)
  })

  test('free of passwords: nothing but zeros remains in the blocks after a hash', () => {
    const wasm = instantiateArgon2()
    createArgon2(() => wasm).hash(rfcInput)
    const blocks = new Uint8Array(wasm.memory.buffer, wasm.Hash_GetBuffer())
    expect(blocks.every((byte) => byte === 0)).toBe(true)
  })
})

describe('Argon2 after a hash that was cut off half-way', () => {
  /** An Argon2 whose next hash is cut off after the blocks were filled, as a CPU limit would do. */
  function interruptible() {
    const state = { isCutOff: false }
    const argon2 = createArgon2(() => {
      const wasm = instantiateArgon2()
      return {
        ...wasm,
        Hash_Calculate: (unused: number, memoryKiB: number) => {
          wasm.Hash_Calculate(unused, memoryKiB)
          if (state.isCutOff) throw new Error('CPU limit')
        },
      }
    })
    return { state, ...argon2 }
  }

  test('computes the next one right, in a fresh instance', () => {
    const { state, hash, statistics } = interruptible()
    expect(toHex(hash(rfcInput))).toBe(rfcIdTag)
    state.isCutOff = true
    expect(() => hash({ ...small, memoryKiB: 1024 })).toThrow('CPU limit')
    state.isCutOff = false
    expect(toHex(hash(rfcInput))).toBe(rfcIdTag)
    expect(statistics().instances).toBe(2)
    expect(toHex(hash(rfcInput))).toBe(rfcIdTag)
    expect(statistics().instances).toBe(2)
  })

  test('recovers when the isolate refused the memory', () => {
    let isRefused = true
    const { hash } = createArgon2(() => {
      const wasm = instantiateArgon2()
      return { ...wasm, Hash_SetMemorySize: (bytes) => (isRefused ? -1 : wasm.Hash_SetMemorySize(bytes)) }
    })
    expect(() => hash({ ...small, memoryKiB: 1024 })).toThrow('refused the memory')
    isRefused = false
    expect(hash({ ...small, memoryKiB: 1024 })).toEqual(createArgon2().hash({ ...small, memoryKiB: 1024 }))
  })
})

describe('Argon2 refuses', () => {
  test.each([
    ['more memory than an isolate can give', { memoryKiB: maxMemoryKiB + 1 }],
    ['less than 8 KiB per lane', { memoryKiB: 31, parallelism: 4 }],
    ['memory that is not a whole number', { memoryKiB: 64.5 }],
    ['memory that is not a number', { memoryKiB: Number.NaN }],
    ['no lanes', { parallelism: 0 }],
    ['256 lanes', { parallelism: 256, memoryKiB: 4096 }],
    ['no pass', { iterations: 0 }],
    ['a tag of 3 bytes', { tagLength: 3 }],
    ['a tag of 1025 bytes', { tagLength: 1025 }],
    ['a salt of 7 bytes', { salt: new Uint8Array(7) }],
  ])('%s', (_, change) => {
    expect(() => argon2({ ...small, ...change })).toThrow(RangeError)
  })
})
