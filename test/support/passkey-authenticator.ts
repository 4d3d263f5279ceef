/**
 * An authenticator in software, and the browser before it: makes passkeys and signs with them as WebAuthn says (L3 §6), or
 * as a test wants it otherwise. It shares no code with what verifies it.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256'

export type Passkey = {
  id: Buffer
  algorithm: Algorithm
  privateKey: KeyObject
  publicKey: KeyObject
  userHandle: string
  rpId: string
  counter: number
  backupEligible: boolean
  backedUp: boolean
}

/** What may be other than an honest browser and authenticator make it. */
export type Deviation = {
  origin?: string
  type?: string
  challenge?: string
  crossOrigin?: boolean
  topOrigin?: string
  rpId?: string
  present?: boolean
  verified?: boolean
  backupEligible?: boolean
  backedUp?: boolean
  counter?: number
  userHandle?: string | null
  /** Of registrations alone. */
  format?: string
  statement?: Map<string, unknown>
  /** With its own key (WebAuthn §8.2). */
  attestsItself?: boolean
  coseAlgorithm?: number
  extensions?: Record<string, unknown>
  id?: Buffer
  publicKey?: KeyObject
  credProps?: { rk?: boolean }
  transports?: string[]
}

/** Of what the service answers, what an authenticator and its browser go by. */
type Asked = { rp: { id: string }; user: { id: string }; challenge: string }

export type CreationOptionsJSON = Asked & {
  rp: { id: string; name: string }
  user: { id: string; name: string; displayName: string }
  pubKeyCredParams: { type: string; alg: number }[]
  excludeCredentials: { id: string; type: string; transports: string[] }[]
  authenticatorSelection: { residentKey: string; requireResidentKey: boolean; userVerification: string }
  attestation: string
  timeout: number
}

export type RequestOptionsJSON = {
  rpId: string
  challenge: string
  timeout: number
  userVerification: string
  allowCredentials: unknown[]
}

const COSE = { ES256: -7, EdDSA: -8, RS256: -257 } as const

/** Makes a passkey and what the page sends of it. */
export function createPasskey(
  options: Asked,
  origin: string,
  {
    algorithm = 'ES256',
    backupEligible = true,
    backedUp = backupEligible,
    counter = 0,
    ...deviation
  }: Deviation & { algorithm?: Algorithm } = {},
): { passkey: Passkey; credential: Record<string, unknown> } {
  const { privateKey, publicKey } = newKeys(algorithm)
  const passkey: Passkey = {
    id: deviation.id ?? randomBytes(20),
    algorithm,
    privateKey,
    publicKey,
    userHandle: options.user.id,
    rpId: options.rp.id,
    counter,
    backupEligible,
    backedUp,
  }
  const key = coseKey(algorithm, deviation.publicKey ?? publicKey, deviation.coseAlgorithm)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(passkey.id.length)
  const attested = Buffer.concat([Buffer.alloc(16), length, passkey.id, key])
  const authData = authenticatorData(passkey, { ...deviation, counter, backupEligible, backedUp }, attested)
  const json = clientData('webauthn.create', options.challenge, origin, deviation)
  const own = new Map<string, unknown>([
    ['alg', COSE[algorithm]],
    ['sig', signed(passkey, authData, json)],
  ])
  const attestation = new Map<string, unknown>([
    ['fmt', deviation.format ?? (deviation.attestsItself ? 'packed' : 'none')],
    ['attStmt', deviation.statement ?? (deviation.attestsItself ? own : new Map())],
    ['authData', authData],
  ])
  return {
    passkey,
    credential: {
      id: passkey.id.toString('base64url'),
      rawId: passkey.id.toString('base64url'),
      type: 'public-key',
      authenticatorAttachment: 'platform',
      response: {
        clientDataJSON: json,
        attestationObject: cbor(attestation).toString('base64url'),
        authenticatorData: authData.toString('base64url'),
        publicKeyAlgorithm: COSE[algorithm],
        transports: deviation.transports ?? ['internal', 'hybrid'],
      },
      clientExtensionResults: { credProps: deviation.credProps ?? { rk: true } },
    },
  }
}

/** Signs a challenge, and what the page sends of it. An authenticator that counts counts one more. */
export function usePasskey(
  passkey: Passkey,
  options: Pick<RequestOptionsJSON, 'challenge'>,
  origin: string,
  deviation: Deviation = {},
): Record<string, unknown> {
  if (passkey.counter > 0 && deviation.counter === undefined) passkey.counter += 1
  const { backupEligible, backedUp, counter } = { ...passkey, ...deviation }
  const authData = authenticatorData(passkey, { ...deviation, counter, backupEligible, backedUp })
  const json = clientData('webauthn.get', options.challenge, origin, deviation)
  const signature = signed(passkey, authData, json)
  const id = (deviation.id ?? passkey.id).toString('base64url')
  const { userHandle = passkey.userHandle } = deviation
  return {
    id,
    rawId: id,
    type: 'public-key',
    authenticatorAttachment: 'platform',
    response: {
      clientDataJSON: json,
      authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'),
      ...(userHandle !== null && { userHandle }),
    },
    clientExtensionResults: {},
  }
}

/** What a page sends, in the right form, of a passkey that was registered nowhere and of a challenge that no one made. */
export function unknownCredential(type: 'webauthn.create' | 'webauthn.get'): Record<string, unknown> {
  const asked = { rp: { id: 'unknown.test' }, user: { id: 'AAAA' }, challenge: 'A'.repeat(43) }
  const { passkey, credential } = createPasskey(asked, 'https://unknown.test')
  return type === 'webauthn.create' ? credential : usePasskey(passkey, asked, 'https://unknown.test')
}

/** WebAuthn §6.3.3: over the data of the authenticator and the hash of what the browser says. */
function signed(
  { algorithm, privateKey }: Pick<Passkey, 'algorithm' | 'privateKey'>,
  authData: Buffer,
  clientDataJSON: string,
): Buffer {
  const hash = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest()
  return sign(algorithm === 'EdDSA' ? null : 'sha256', Buffer.concat([authData, hash]), privateKey)
}

function newKeys(algorithm: Algorithm) {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return algorithm === 'EdDSA'
    ? generateKeyPairSync('ed25519')
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
}

function clientData(
  type: string,
  challenge: string,
  origin: string,
  deviation: Pick<Deviation, 'type' | 'challenge' | 'origin' | 'crossOrigin' | 'topOrigin'>,
): string {
  const { crossOrigin, topOrigin } = deviation
  const said = {
    type: deviation.type ?? type,
    challenge: deviation.challenge ?? challenge,
    origin: deviation.origin ?? origin,
    crossOrigin: crossOrigin ?? false,
    ...(topOrigin !== undefined && { topOrigin }),
  }
  return Buffer.from(JSON.stringify(said)).toString('base64url')
}

/** WebAuthn §6.1: hash of the RP ID, flags, counter, and the new key where there is one. */
function authenticatorData(
  { rpId }: Pick<Passkey, 'rpId'>,
  said: Deviation & { counter: number; backupEligible: boolean; backedUp: boolean },
  attested?: Buffer,
): Buffer {
  const { present = true, verified = true, counter, backupEligible, backedUp } = said
  const flags =
    (present ? 0x01 : 0) |
    (verified ? 0x04 : 0) |
    (backupEligible ? 0x08 : 0) |
    (backedUp ? 0x10 : 0) |
    (attested ? 0x40 : 0)
  const head = Buffer.alloc(37)
  createHash('sha256')
    .update(said.rpId ?? rpId)
    .digest()
    .copy(head)
  head.writeUInt8(flags, 32)
  head.writeUInt32BE(counter, 33)
  return Buffer.concat([head, ...(attested ? [attested] : [])])
}

/** A public key as authenticators write it (RFC 9053). */
export function coseKey(algorithm: Algorithm, key: KeyObject, alg: number = COSE[algorithm]): Buffer {
  const { x = '', y = '', n = '', e = '' } = key.export({ format: 'jwk' })
  const bytes = (text: string) => Buffer.from(text, 'base64url')
  const members: Record<Algorithm, [number, unknown][]> = {
    ES256: [
      [1, 2],
      [3, alg],
      [-1, 1],
      [-2, bytes(x)],
      [-3, bytes(y)],
    ],
    EdDSA: [
      [1, 1],
      [3, alg],
      [-1, 6],
      [-2, bytes(x)],
    ],
    RS256: [
      [1, 3],
      [3, alg],
      [-1, bytes(n)],
      [-2, bytes(e)],
    ],
  }
  return cbor(new Map<unknown, unknown>(members[algorithm]))
}

/** CBOR (RFC 8949) of what WebAuthn needs: integers, bytes, texts, lists, maps. */
export function cbor(value: unknown): Buffer {
  if (typeof value === 'number') return value >= 0 ? head(0, value) : head(1, -1 - value)
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value])
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (Array.isArray(value)) return Buffer.concat([head(4, value.length), ...value.map(cbor)])
  if (value instanceof Map) return Buffer.concat([head(5, value.size), ...[...value].flat().map(cbor)])
  throw new TypeError(`no CBOR for ${typeof value}`)
}

function head(major: number, value: number): Buffer {
  const type = major << 5
  if (value < 24) return Buffer.from([type | value])
  if (value < 0x100) return Buffer.from([type | 24, value])
  if (value < 0x10000) return Buffer.from([type | 25, value >> 8, value & 0xff])
  const long = Buffer.alloc(5)
  long.writeUInt8(type | 26)
  long.writeUInt32BE(value, 1)
  return long
}
