/**
 * PHC strings of Argon2: reading and writing them, and what we are willing to compute. It distrusts every string, and
 * knows nothing of passwords; it loads no WebAssembly, so that code that only stores hashes can check them.
 */
import { fromBase64, toBase64 } from './base64.ts'

/** A stored hash. `keyId` names the pepper key; it is stored beside the PHC string, which has no field for it. */
export type PasswordHash = { readonly phc: string; readonly keyId: string }

/** What one hash costs: memory in KiB, passes over it, lanes. */
export type Argon2Cost = {
  readonly memoryKiB: number
  readonly iterations: number
  readonly parallelism: number
}

/** Of our own hashes, half of an isolate's 128 MB: what Argon2's instance may grow to, and then keeps, beside the rest. */
const maxMemoryKiB = 64 * 1024

/** What we are willing to compute. The last stops 64 MiB × 16 passes: 8 take some 0.6 s. */
const limits = {
  memoryKiB: maxMemoryKiB,
  iterations: 16,
  parallelism: 16,
  memoryTimesIterationsKiB: 8 * maxMemoryKiB,
}

export function isAffordable({ memoryKiB, iterations, parallelism }: Argon2Cost): boolean {
  return (
    memoryKiB >= 8 * parallelism &&
    memoryKiB <= limits.memoryKiB &&
    iterations <= limits.iterations &&
    parallelism <= limits.parallelism &&
    memoryKiB * iterations <= limits.memoryTimesIterationsKiB
  )
}

export type Phc = { type: 'id' | 'i' | 'd'; cost: Argon2Cost; salt: Uint8Array; tag: Uint8Array }

const phcPattern =
  /^\$argon2(id|i|d)\$v=19\$([a-z0-9=,]{1,64})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/
const parameterPattern = /^([mtp])=([1-9][0-9]{0,9})$/

/** `$argon2id$v=19$m=…,t=…,p=…$salt$tag`, base64 unpadded; npm argon2 writes `m,p,t`, so any order is read. */
export function readPhc(phc: string): Phc | 'malformed' | 'too_costly' {
  const [, type, parameters, saltText, tagText] = phcPattern.exec(phc) ?? []
  if (!isType(type) || !parameters || !saltText || !tagText) return 'malformed'
  const cost = parseCost(parameters)
  const salt = fromBase64(saltText)
  const tag = fromBase64(tagText)
  if (!cost || cost.memoryKiB < 8 * cost.parallelism || !salt || !tag) return 'malformed'
  // A short tag could be guessed; RFC 9106 §3.1 allows 4 bytes, no password hasher writes fewer than 16.
  if (salt.length < 8 || salt.length > 64 || tag.length < 16 || tag.length > 64) return 'malformed'
  return isAffordable(cost) ? { type, cost, salt, tag } : 'too_costly'
}

export function formatPhc({ type, cost, salt, tag }: Phc): string {
  const parameters = `m=${cost.memoryKiB},t=${cost.iterations},p=${cost.parallelism}`
  return `$argon2${type}$v=19$${parameters}$${toBase64(salt)}$${toBase64(tag)}`
}

function parseCost(parameters: string): Argon2Cost | null {
  const values = new Map<string, number>()
  for (const parameter of parameters.split(',')) {
    const [, name, digits] = parameterPattern.exec(parameter) ?? []
    if (!name || values.has(name)) return null
    values.set(name, Number(digits))
  }
  const memoryKiB = values.get('m')
  const iterations = values.get('t')
  const parallelism = values.get('p')
  return memoryKiB && iterations && parallelism ? { memoryKiB, iterations, parallelism } : null
}

function isType(text: string | undefined): text is Phc['type'] {
  return text === 'id' || text === 'i' || text === 'd'
}
