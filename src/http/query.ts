/** The query string, against the operation's schema: unknown, repeated and malformed parameters are named, not ignored. */
import type { HonoRequest, MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { isRefusal, problemResponse, type Refusal, refuse } from '../problem.ts'
import { invalidInput } from './body.ts'

type ObjectSchema = v.GenericSchema<Record<string, string | undefined>, unknown>

/** Validates the query; the handler reads it with `c.req.valid('query')`. */
export function query<Schema extends ObjectSchema>(
  schema: Schema,
): MiddlewareHandler<
  Env,
  string,
  { in: { query: v.InferInput<Schema> }; out: { query: v.InferOutput<Schema> } }
> {
  return async (c, next) => {
    const found = readQuery(c.req, schema)
    if (isRefusal(found)) return problemResponse(found, c.var.ctx)
    // Hono types validated data as an object; a schema here always describes one.
    c.req.addValidatedData('query', found.value as object)
    return next()
  }
}

/** Pointers in errors are `/name`. */
export function readQuery<Schema extends ObjectSchema>(
  request: HonoRequest,
  schema: Schema,
): { value: v.InferOutput<Schema> } | Refusal {
  const repeated = Object.entries(request.queries()).find(([, values]) => values.length > 1)
  if (repeated) {
    const errors = [{ pointer: `/${repeated[0]}`, code: 'repeated' }]
    return refuse('invalid_input', { errors })
  }
  const parsed = v.safeParse(schema, request.query(), { abortPipeEarly: true })
  return parsed.success ? { value: parsed.output } : invalidInput(parsed.issues)
}
