/** The query string, against the operation's schema: unknown, repeated and malformed parameters are named, not ignored. */
import type { HonoRequest } from 'hono'
import * as v from 'valibot'
import { type Refusal, refuse } from '../problem.ts'
import { invalidInput } from './body.ts'

type ObjectSchema = v.GenericSchema<Record<string, string | undefined>, unknown>

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
