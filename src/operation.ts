/**
 * An operation says itself once: what comes in, who may call, what goes out, what it may refuse and what it costs. The
 * Workers serve it by this; the OpenAPI document, the tables in the documents and the tests that hold every operation to
 * one rule are derived from it (ops/openapi.ts). Its description in words is the comment at the top of its file.
 */
import type { Context as HonoContext, MiddlewareHandler } from 'hono'
import type * as v from 'valibot'
import type { Context, Env } from './context.ts'
import type { BodySchema, Description, QuerySchema } from './description.ts'
import { readJsonBody } from './http/body.ts'
import { readQuery } from './http/query.ts'
import type { LimitedOperation } from './limits/limits.ts'
import { isRefusal, problemResponse, type Refusal } from './problem.ts'

/** What a handler is given: the request, read and validated as the description says. */
export type Asked<Described extends Description> = {
  ctx: Context
  headers: Headers
  params: Params<Described['path']>
  body: Described extends { body: infer Body extends BodySchema } ? v.InferOutput<Body> : undefined
  query: Described extends { query: infer Query extends QuerySchema } ? v.InferOutput<Query> : undefined
  /** For what is about the request itself: negotiation, pages. */
  c: HonoContext<Env>
}

type Params<Path extends string> = { [Name in ParamOf<Path>]: string }
type ParamOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** One operation, as a Worker lists it: its description, and what answers it. */
export type Operation = Description & { handlers: MiddlewareHandler<Env>[] }

/**
 * @param handler answers, or returns the refusal, which becomes HTTP here
 */
export function operation<const Described extends Description & { id: LimitedOperation }>(
  description: Described,
  handler: (asked: Asked<Described>) => Response | Refusal | Promise<Response | Refusal>,
): Operation {
  const answer: MiddlewareHandler<Env> = async (c) => {
    const { ctx } = c.var
    const asked = await readRequest(description, c)
    // `readRequest` reads what the description names, which TypeScript cannot follow.
    const answered = isRefusal(asked) ? asked : await handler(asked as Asked<Described>)
    return isRefusal(answered) ? problemResponse(answered, ctx) : answered
  }
  return { ...description, handlers: [answer] }
}

async function readRequest({ body, bodyIsOptional, query }: Description, c: HonoContext<Env>) {
  const read = body && (await readJsonBody(c.req.raw, body, { optional: bodyIsOptional === true }))
  if (isRefusal(read)) return read
  const found = query && readQuery(c.req, query)
  if (isRefusal(found)) return found
  const { headers } = c.req.raw
  return { c, ctx: c.var.ctx, headers, params: c.req.param(), body: read?.value, query: found?.value }
}
