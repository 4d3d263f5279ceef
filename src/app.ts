/**
 * Makes a Worker out of a list of operations: what every request gets, once, whatever the list: request id, settings,
 * security headers, cross-origin answers, the log line, and every failure as problem+json.
 */
import { Hono, type Context as HonoContext } from 'hono'
import { matchedRoutes } from 'hono/route'
import { secureHeaders } from 'hono/secure-headers'
import { type Context, createContext, type Env } from './context.ts'
import { dispatchHappened } from './events/dispatch.ts'
import { identifyClient } from './http/trusted-caller.ts'
import { createLog } from './log.ts'
import type { Operation } from './operation.ts'
import { faultOf, problemResponse, refuse } from './problem.ts'
import type { Secret } from './settings.ts'
import { answerPreflight, isPreflight, shareWithReader } from './tenants/cors.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * @param operations what this Worker answers
 * @param needed the secrets without which it refuses to serve
 */
export function createApp(operations: readonly Operation[], needed: readonly Secret[]): Hono<Env> {
  const app = new Hono<Env>()
  app.use(secureHeaders(HEADERS), async (c, next) => {
    const requestId = crypto.randomUUID() // never the client's: it is what the log is searched by
    const startedAt = Date.now()
    try {
      c.set(
        'ctx',
        createContext(c.req.raw, c.env, (work) => c.executionCtx.waitUntil(work), needed, requestId),
      )
    } catch (error) {
      const fault = faultOf(error)
      createLog({ request_id: requestId })('error', 'refusing to serve', { cause: fault.message })
      return problemResponse(fault, { requestId, outcome: {} })
    }
    const refused = await identifyClient(c.var.ctx, c.req.raw)
    if (refused) c.res = problemResponse(refused, c.var.ctx)
    else await next()
    await finish(c.var.ctx, c, startedAt)
    return undefined
  })
  for (const { method, path, handlers } of operations) app.on(method, [path], ...handlers)
  app.notFound((c) => answerUnrouted(app, c))
  app.onError((error, { var: { ctx } }) => problemResponse(faultOf(error), ctx))
  return app
}

const HEADERS = {
  overwrite: false, // a page states a policy of its own (pages/style.ts)
  strictTransportSecurity: 'max-age=31536000; includeSubDomains',
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  xFrameOptions: 'DENY',
  referrerPolicy: 'no-referrer',
}

/** No operation took it: another method of the same path (405), a page that asks first (CORS), or nothing at all. */
async function answerUnrouted(app: Hono<Env>, { req, var: { ctx } }: HonoContext<Env>): Promise<Response> {
  const allowed = methodsOf(app, req.path)
  if (allowed.length === 0) return problemResponse(refuse('not_found'), ctx)
  if (isPreflight(req.raw)) return answerPreflight(ctx, allowed)
  return problemResponse(refuse('method_not_allowed', { headers: { allow: allowed.join(', ') } }), ctx)
}

function methodsOf(app: Hono<Env>, path: string): string[] {
  return METHODS.filter((method) => {
    // Hono answers HEAD with the GET route.
    const [matched] = app.router.match(method === 'HEAD' ? 'GET' : method, path)
    return matched.some(([[, route]]) => route.method === (method === 'HEAD' ? 'GET' : method))
  })
}

/** What every answer carries, and the one log line of the request. */
async function finish(ctx: Context, c: HonoContext<Env>, startedAt: number): Promise<void> {
  const { headers } = c.res
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  headers.set('x-request-id', ctx.requestId)
  await shareWithReader(ctx, c.res)
  const { postgres, redis } = ctx.trips.counted()
  const milliseconds = Date.now() - startedAt
  // Not `routePath`: that of a request which was refused before its route is the one that matches all.
  const operation = matchedRoutes(c).at(-1)?.path
  if (ctx.settings.serverTiming) {
    headers.set(
      'server-timing',
      `postgres;desc="${postgres.trips}";dur=${postgres.milliseconds}, redis;desc="${redis.trips}";dur=${redis.milliseconds}, total;dur=${milliseconds}`,
    )
  }
  ctx.log(c.res.status >= 500 ? 'error' : 'info', 'request', {
    ...ctx.outcome,
    address: ctx.client.truncatedAddress,
    method: c.req.method,
    operation,
    status: c.res.status,
    postgres_trips: postgres.trips,
    redis_trips: redis.trips,
    duration_ms: milliseconds,
  })
  dispatchHappened(ctx, `${c.req.method} ${operation}`)
}
