/** The query string, against the operation's schema: unknown, repeated and malformed parameters are named, not ignored. */
import type { MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { problemResponse, refuse } from '../problem.ts'
import { invalidInput } from './body.ts'

type ObjectSchema = v.GenericSchema<Record<string, string | undefined>, unknown>

/** Validates the query; the handler reads it with `c.req.valid('query')`. Pointers in errors are `/name`. */
export function query<Schema extends ObjectSchema>(
  schema: Schema,
): MiddlewareHandler<
  Env,
  string,
  { in: { query: v.InferInput<Schema> }; out: { query: v.InferOutput<Schema> } }
> {
  return async (c, next) => {
    const { ctx } = c.var
    const repeated = Object.entries(c.req.queries()).find(([, values]) => values.length > 1)
    if (repeated) {
      const errors = [{ pointer: `/${repeated[0]}`, code: 'repeated' }]
      return problemResponse(refuse('invalid_input', { errors }), ctx)
    }
    const parsed = v.safeParse(schema, c.req.query(), { abortPipeEarly: true })
    if (!parsed.success) return problemResponse(invalidInput(parsed.issues), ctx)
    // Hono types validated data as an object; a schema here always describes one.
    c.req.addValidatedData('query', parsed.output as object)
    return next()
  }
}
