/**
 * GET /.well-known/status-list — Read which sessions have ended lately, as a signed Token Status List
 * (draft-ietf-oauth-status-list). The claim `status` of an access token says which list and which bit. A copy may be used
 * for `ttl` seconds after `iat`; a verifier that asks this often refuses the tokens of an ended session within 15 seconds.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { toBase64Url } from '../crypto/base64.ts'
import { signStatusList } from '../crypto/signing.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { LIST_SECONDS, listUri, packList } from './status-list.ts'
import { findEnded } from './status-list-store.ts'

const MEDIA_TYPE = 'application/statuslist+jwt'

const List = v.pipe(v.string(), v.regex(/^(0|[1-9][0-9]{0,8})$/, 'not_a_number'), v.transform(Number))

/** A list as the edge keeps it: the token, and when the rows were read, in seconds since 1970. */
type Kept = { token: string; readAt: number }

export const statusList = operation(
  {
    id: 'statusList',
    method: 'GET',
    path: '/.well-known/status-list',
    query: v.strictObject({ list: v.optional(List, '0') }),
    answers: { 200: { [MEDIA_TYPE]: v.string() } },
    refusals: ['not_found'],
    caller: 'anyone',
    budget: { redis: 0, postgres: 1 },
  },
  async ({ ctx, query: { list } }) => {
    const name = `status-list/${list}`
    const kept = (await readEdgeCache(ctx, name)) as Kept | undefined // only this function writes it
    const now = Math.floor(ctx.now().getTime() / 1000)
    if (kept && now - kept.readAt < LIST_SECONDS) return answer(kept, now)
    // Only the read behind the cache is counted: no one can take from others what the edge holds.
    const limited = await checkLimits(ctx, 'statusList')
    if (limited) return limited
    const made = await makeList(ctx, list)
    if (made === null) return refuse('unknown_host')
    if (made === undefined) return refuse('not_found')
    writeEdgeCache(ctx, name, made, LIST_SECONDS)
    return answer(made, now)
  },
)

/** One query. @returns undefined for a list that no session is in yet, null for a host that we do not serve */
async function makeList(ctx: Context, list: number): Promise<Kept | null | undefined> {
  const found = await findEnded(ctx, list)
  if (!found) return null
  if (!found.exists) return undefined
  const { issuer, at } = found
  const key = await openCurrentKey(ctx, found.key)
  const lst = toBase64Url(await packList(found.ended))
  const token = await signStatusList(key, {
    iss: issuer,
    sub: listUri(issuer, list),
    iat: at,
    exp: at + 10 * LIST_SECONDS,
    ttl: LIST_SECONDS,
    status_list: { bits: 1, lst },
  })
  return { token, readAt: at }
}

/** Caches between may keep it for as long as our own copy is used. */
function answer({ token, readAt }: Kept, now: number): Response {
  const maxAge = Math.max(0, Math.min(LIST_SECONDS, readAt + LIST_SECONDS - now))
  return new Response(token, {
    headers: {
      'content-type': MEDIA_TYPE,
      'cache-control': `public, max-age=${maxAge}`,
      'access-control-allow-origin': '*',
    },
  })
}
