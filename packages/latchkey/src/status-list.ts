/** Token Status Lists (draft-ietf-oauth-status-list): whether the session of a token has ended, of lists that are read now and then. */
import { type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type Ages, type Fetch, keep, type WaitUntil } from './documents.ts'
import { TokenError } from './token-error.ts'

/**
 * The service's own copy is at most 8 seconds old when it is fetched, and is used for at most 6: an ended session is refused
 * within 14 seconds and the time of a fetch.
 */
const AGES: Ages = { fresh: 3000, usable: 6000, retry: 1000 }

/** A list is 128 KiB of bits; each has a million sessions, so a verifier meets few of them. */
const MAX_BYTES = 2 ** 17
const MAX_LISTS = 64

type Reference = { idx: number; uri: string }
type List = { bits: number; bytes: Uint8Array }

export function statusLists({
  issuer,
  fetch,
  now,
  keys,
}: {
  issuer: string
  fetch: Fetch
  now: () => number
  keys: JWTVerifyGetKey
}) {
  const lists = new Map<string, ReturnType<typeof keep<List>>>()

  const listAt = (uri: string) => {
    const list = lists.get(uri) ?? keep(uri, { ages: AGES, fetch, now, parse: (text) => parse(text, uri) })
    // The one that was used longest ago is first, and goes first.
    lists.delete(uri)
    lists.set(uri, list)
    const [oldest] = lists.keys()
    if (lists.size > MAX_LISTS && oldest !== undefined) lists.delete(oldest)
    return list
  }

  async function parse(text: string, uri: string): Promise<List> {
    const { payload } = await jwtVerify(text, keys, {
      issuer,
      subject: uri,
      typ: 'statuslist+jwt',
      algorithms: ['EdDSA', 'ES256'],
      requiredClaims: ['iat', 'exp', 'status_list'],
      clockTolerance: 60,
      currentDate: new Date(now()),
    }).catch((error: unknown) => {
      throw new TokenError(
        'unavailable',
        `${uri} is not a status list: ${error instanceof Error ? error.message : ''}`,
      )
    })
    const { bits, lst } = payload.status_list as { bits?: unknown; lst?: unknown }
    if (![1, 2, 4, 8].includes(bits as number) || typeof lst !== 'string')
      throw new TokenError('unavailable', `${uri} is not a status list`)
    return {
      bits: bits as number,
      bytes: await inflate(lst).catch(() => {
        throw new TokenError('unavailable', `${uri} cannot be unpacked`)
      }),
    }
  }

  return {
    /** @throws TokenError `invalid_token` for what has ended, `unavailable` where the list cannot be had */
    async refuseEnded(claims: { status?: unknown }, waitUntil?: WaitUntil): Promise<void> {
      const reference = referenceOf(claims)
      // Of a session from before the service had lists.
      if (!reference) return
      const { idx, uri } = reference
      if (!uri.startsWith(`${issuer.replace(/\/$/, '')}/.well-known/`))
        throw new TokenError('invalid_token', 'its status list is not of the issuer')
      const { bits, bytes } = await listAt(uri).read(waitUntil)
      const byte = bytes[Math.floor((idx * bits) / 8)]
      if (byte === undefined) throw new TokenError('invalid_token', 'its status list does not know it')
      if ((byte >> ((idx * bits) % 8)) & (2 ** bits - 1))
        throw new TokenError('invalid_token', 'its session has ended')
    },
  }
}

function referenceOf({ status }: { status?: unknown }): Reference | null {
  if (status === undefined) return null
  const { idx, uri } = (status as { status_list?: Partial<Reference> } | null)?.status_list ?? {}
  if (!Number.isSafeInteger(idx) || (idx as number) < 0 || typeof uri !== 'string')
    throw new TokenError('invalid_token', 'its claim status is malformed')
  return { idx: idx as number, uri }
}

/** DEFLATE in the ZLIB format, and never more than a list can have. */
async function inflate(lst: string): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(lst.replaceAll('-', '+').replaceAll('_', '/')), (char) =>
    char.charCodeAt(0),
  )
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate')).getReader()
  const bytes = new Uint8Array(MAX_BYTES)
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return bytes.subarray(0, length)
    // Throws where more comes than a list can have.
    bytes.set(value, length)
    length += value.length
  }
}
