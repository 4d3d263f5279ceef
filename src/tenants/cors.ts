/**
 * Which web page may read an answer (Fetch standard, CORS). Only origins that the tenant lists, echoed exactly,
 * with credentials; other scripts get no CORS header and so no answer. What a request asks for is never reflected.
 */
import type { Context } from '../context.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkOrigin, originToAllow } from '../http/origin.ts'
import { faultOf, problemResponse, type Refusal, refuse } from '../problem.ts'
import { findTenantOfHost } from './store.ts'

type CorsContext = Pick<
  Context,
  | 'db'
  | 'host'
  | 'origin'
  | 'callerOrigin'
  | 'fetchSite'
  | 'readers'
  | 'log'
  | 'defer'
  | 'requestId'
  | 'outcome'
>

/**
 * What a page may send: what we read, and what tracing adds to a page's calls by itself (W3C Trace Context and Baggage,
 * Sentry, Datadog, New Relic, Application Insights), which we do not read. One that is missing here fails the whole call.
 */
const REQUEST_HEADERS = [
  ...['authorization', 'content-type', 'idempotency-key'],
  ...['traceparent', 'tracestate', 'baggage', 'sentry-trace'],
  ...['x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-origin', 'x-datadog-sampling-priority'],
  ...['newrelic', 'request-id', 'request-context'],
].join(', ')

/** What a page may read. */
const ANSWER_HEADERS = [
  ...['retry-after', 'ratelimit', 'ratelimit-policy'],
  ...['idempotent-replayed', 'server-timing', 'x-request-id'],
].join(', ')

export function isPreflight(request: Request): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.has('origin') &&
    request.headers.has('access-control-request-method')
  )
}

/** @param methods what the path takes */
export async function answerPreflight(ctx: CorsContext, methods: string[]): Promise<Response> {
  if (!(await mayRead(ctx))) return problemResponse(refuse('origin_not_allowed'), ctx)
  const headers = {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': REQUEST_HEADERS,
    'access-control-max-age': '7200',
  }
  return new Response(null, { status: 204, headers })
}

/**
 * Lets the calling page read the answer if its tenant allows it, also a refusal that came before the tenant was known.
 * A fault is not made worse by asking a database that has just failed: then only the edge cache is asked.
 */
export async function shareWithReader(ctx: CorsContext, { headers, status }: Response): Promise<void> {
  if (originToAllow(ctx) === null || headers.has('access-control-allow-origin')) return
  if (status < 400 && ctx.readers.origin === null) return // it asked for no tenant, so it is for no page
  headers.append('vary', 'Origin')
  if (!(await mayRead(ctx, { fromCacheAlone: status >= 500 }))) return
  headers.set('access-control-allow-origin', originToAllow(ctx) ?? '')
  headers.set('access-control-allow-credentials', 'true')
  headers.set('access-control-expose-headers', ANSWER_HEADERS)
}

/**
 * For an answer that asks for no tenant: whether the calling page may have it. Costs a trip only for a page of another
 * origin, and only where the edge cache does not know.
 * @returns refusal `origin_not_allowed`, or null
 */
export async function requireAllowedOrigin(ctx: CorsContext): Promise<Refusal | null> {
  const origin = originToAllow(ctx)
  if (origin === null) return null
  const refused = checkOrigin(ctx, await allowedOrigins(ctx, false))
  if (!refused) ctx.readers.origin = origin
  return refused
}

async function mayRead(ctx: CorsContext, { fromCacheAlone = false } = {}): Promise<boolean> {
  const origin = originToAllow(ctx)
  if (origin === null || ctx.readers.origin === origin) return true
  try {
    if (!(await allowedOrigins(ctx, fromCacheAlone)).includes(origin)) return false
    ctx.readers.origin = origin
    return true
  } catch (error) {
    ctx.log('warn', 'could not read allowed origins', { cause: faultOf(error).message })
    return false
  }
}

/** From the edge cache, because a refusal should not cost a trip each time. */
async function allowedOrigins(ctx: CorsContext, fromCacheAlone: boolean): Promise<string[]> {
  const kept = await readEdgeCache(ctx, 'allowed-origins')
  if (Array.isArray(kept)) return kept
  if (fromCacheAlone) return []
  const [tenant] = await findTenantOfHost(ctx)
  if (!tenant) return []
  writeEdgeCache(ctx, 'allowed-origins', tenant.allowedOrigins)
  return tenant.allowedOrigins
}
