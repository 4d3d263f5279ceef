/**
 * Status lists (draft-ietf-oauth-status-list): for verifiers that want to know within seconds that a session has ended,
 * without a call at each request. A session has one number for life, and each list holds 2^20 of them, so a list has a bound
 * however many sessions there are. A bit is set for as long as a token of the ended session could still be in use.
 */
import { SETTING_BOUNDS } from '../storage/setting-bounds.ts'

/** Sessions of a list. Its bits are 128 KiB, and some hundred bytes of an answer where few of them are set. */
export const LIST_SIZE = 2 ** 20

/** How long an ended session is named: no access token outlives that, and no clock is this wrong. */
export const NAMED_SECONDS = SETTING_BOUNDS.access_token_seconds.most + 60

/** How long a location answers from its copy, and says that the copy may be used (`ttl`). */
export const LIST_SECONDS = 8

export const listUri = (issuer: string, list: number) =>
  `${issuer.replace(/\/$/, '')}/.well-known/status-list?list=${list}`

/** The claim `status` of an access token, by the number of its session. */
export const statusClaim = (issuer: string, statusIndex: number) => ({
  status_list: {
    idx: statusIndex % LIST_SIZE,
    uri: listUri(issuer, Math.floor(statusIndex / LIST_SIZE)),
  },
})

/** `lst`: one bit a session, the first in the lowest bit of the first byte, DEFLATE in the ZLIB format. */
export async function packList(ended: readonly number[]): Promise<Uint8Array> {
  const bits = new Uint8Array(LIST_SIZE / 8)
  for (const index of ended) bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7))
  const packed = new Response(bits).body?.pipeThrough(new CompressionStream('deflate'))
  return new Uint8Array(await new Response(packed).arrayBuffer())
}
