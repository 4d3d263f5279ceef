/**
 * An operation says itself once: what comes in, who may call, what goes out, what it may refuse and what it costs. The
 * Workers serve it by this; the OpenAPI document, the tables in the documents and the tests that hold every operation to
 * one rule are derived from it (ops/openapi.ts). Its description in words is the comment at the top of its file.
 */
import type { Context as HonoContext, MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import type { Context, Env } from './context.ts'
import type { BodySchema, Description, FormSchema, QuerySchema } from './description.ts'
import { STEP_UP_SECONDS } from './description.ts'
import { invalidInput, readJsonBody } from './http/body.ts'
import { readForm } from './http/form.ts'
import { readQuery } from './http/query.ts'
import type { LimitedOperation } from './limits/limits.ts'
import type { Permission } from './permissions.ts'
import { isRefusal, problemResponse, type Refusal } from './problem.ts'

/** What a handler is given: the request, read and validated as the description says. */
export type Asked<Described extends Description> = {
  ctx: Context
  headers: Headers
  params: Params<Described['path']>
  body: Described extends { body: infer Body extends BodySchema }
    ? v.InferOutput<Body>
    : Described extends { form: infer Form extends FormSchema }
      ? v.InferOutput<Form>
      : undefined
  query: Described extends { query: infer Query extends QuerySchema } ? v.InferOutput<Query> : undefined
  /** What the description demands of the caller, for `requireCaller` and its like (guard/caller.ts). */
  demands: DemandsOf<Described>
  /** For what is about the request itself: negotiation, pages. */
  c: HonoContext<Env>
}

type Demanded = { permission?: Permission; takesKeys?: true; maxAge?: number }
type DemandsOf<Described extends Description> = Pick<
  Described,
  Extract<keyof Described, 'permission' | 'takesKeys'>
> &
  (Described extends { stepUp: true } ? { maxAge: number } : Record<never, never>)

type Params<Path extends string> = { [Name in ParamOf<Path>]: string }
type ParamOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

/** One operation, as a Worker lists it: its description, and what answers it. */
export type Operation = Description & {
  handlers: MiddlewareHandler<Env>[]
  /** The same for a page of ours that has it done for its person: what the page was given is held to the same schemas. */
  perform(given: Performed): Promise<Response | Refusal>
}

/** `headers` are those of a caller (`asCaller` of sessions/presence.ts). */
export type Performed = Pick<Asked<Description>, 'c' | 'ctx' | 'headers'> & {
  params?: Record<string, string>
  body?: Record<string, unknown>
  query?: Record<string, string>
}

/**
 * @param handler answers, or returns the refusal, which becomes HTTP here
 * @param around what makes something else of that answer
 */
export function operation<
  const Described extends Description & ({ id: LimitedOperation } | { limits: LimitedOperation }),
>(
  description: Described,
  handler: (asked: Asked<Described>) => Response | Refusal | Promise<Response | Refusal>,
  ...around: MiddlewareHandler<Env>[]
): Operation {
  const answer: MiddlewareHandler<Env> = async (c) => {
    const { ctx } = c.var
    const asked = await readRequest(description, c)
    // `readRequest` reads what the description names, which TypeScript cannot follow.
    const answered = isRefusal(asked) ? asked : await handler(asked as Asked<Described>)
    return isRefusal(answered) ? problemResponse(answered, ctx) : answered
  }
  const perform = async (given: Performed) => {
    const asked = readGiven(description, given)
    return isRefusal(asked) ? asked : handler(asked as Asked<Described>) // as above
  }
  return { ...description, handlers: [...around, answer], perform }
}

/** What an operation demands of its caller, as `meets` and `requireCaller` take it. */
export const demandsOf = ({ permission, takesKeys, stepUp }: Description): Demanded => ({
  ...(permission && { permission }),
  ...(takesKeys && { takesKeys }),
  ...(stepUp && { maxAge: STEP_UP_SECONDS }),
})

function readGiven(
  description: Description,
  { c, ctx, headers, params = {}, body = {}, query = {} }: Performed,
): unknown {
  const read = (schema: v.GenericSchema | undefined, value: unknown) => {
    if (schema === undefined) return { value: undefined }
    const parsed = v.safeParse(schema, value, { abortPipeEarly: true })
    return parsed.success ? { value: parsed.output } : invalidInput(parsed.issues)
  }
  const [readBody, readQuery] = [read(description.body, body), read(description.query, query)]
  if (isRefusal(readBody)) return readBody
  if (isRefusal(readQuery)) return readQuery
  const demands = demandsOf(description)
  return { c, ctx, headers, params, body: readBody.value, query: readQuery.value, demands }
}

async function readRequest(
  description: Description,
  c: HonoContext<Env>,
): Promise<Asked<Description> | Refusal> {
  const { body, bodyIsOptional, form, formIsForeign, formFile, maxBodyBytes, query } = description
  const { ctx } = c.var
  const request = c.req.raw
  const read = body
    ? await readJsonBody(request, body, { optional: bodyIsOptional === true, maxBytes: maxBodyBytes })
    : form &&
      (await readForm(ctx, request, form, {
        isForeign: formIsForeign === true,
        file: formFile,
        maxBytes: maxBodyBytes,
      }))
  if (isRefusal(read)) return read
  const found = query && readQuery(c.req, query)
  if (isRefusal(found)) return found
  // What is not described is not there: `Asked` of any description at all says `undefined`.
  const asked: unknown = {
    c,
    ctx,
    headers: request.headers,
    params: c.req.param(),
    body: read?.value,
    query: found?.value,
    demands: demandsOf(description),
  }
  return asked as Asked<Description>
}
