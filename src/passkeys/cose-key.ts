/**
 * The shape of a COSE key (RFC 9052 §7) that came from another system: a CBOR map of integers to integers and byte strings. The
 * library that verifies signatures also reads it, but only when the passkey is used; a key that nothing can use is refused here.
 */

const [KEY_TYPE, ALGORITHM] = [1, 3]
const [CURVE, X, Y] = [-1, -2, -3]
const [MODULUS, EXPONENT] = [-1, -2]

/** Whether it is a key of one of the algorithms that passkeys have here: EdDSA, ES256 or RS256. */
export function isPublicKey(bytes: Uint8Array): boolean {
  const key = readMap(bytes)
  if (!key) return false
  const lengthOf = (label: number) => {
    const value = key.get(label)
    return value instanceof Uint8Array ? value.length : 0
  }
  switch (key.get(ALGORITHM)) {
    case -8:
      return key.get(KEY_TYPE) === 1 && key.get(CURVE) === 6 && lengthOf(X) === 32
    case -7:
      return key.get(KEY_TYPE) === 2 && key.get(CURVE) === 1 && lengthOf(X) === 32 && lengthOf(Y) === 32
    case -257:
      return key.get(KEY_TYPE) === 3 && lengthOf(MODULUS) >= 256 && lengthOf(EXPONENT) >= 1
    default:
      return false
  }
}

const [UNSIGNED, NEGATIVE, BYTES, MAP] = [0, 1, 2, 5]

/** @returns null for anything else, for a map of more than 23 members, and for what has bytes behind it */
function readMap(bytes: Uint8Array): Map<number, number | Uint8Array> | null {
  let at = 0
  const byte = () => bytes[at++] ?? Number.NaN
  /** RFC 8949 §3: the major type, and the argument in the low bits or in the one or two bytes after them. */
  const head = (): [type: number, argument: number] => {
    const first = byte()
    const low = first & 31
    const argument = low < 24 ? low : low === 24 ? byte() : low === 25 ? byte() * 256 + byte() : Number.NaN
    return [first >> 5, argument]
  }
  const integer = ([type, argument]: [number, number]) =>
    type === UNSIGNED ? argument : type === NEGATIVE ? -1 - argument : Number.NaN

  const [type, members] = head()
  if (type !== MAP || !(members < 24)) return null
  const map = new Map<number, number | Uint8Array>()
  for (let member = 0; member < members; member++) {
    const label = integer(head())
    const value = head()
    if (value[0] === BYTES) {
      map.set(label, bytes.slice(at, at + value[1]))
      at += value[1]
    } else map.set(label, integer(value))
  }
  return at === bytes.length ? map : null
}
