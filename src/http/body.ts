/**
 * The only way a request body gets in: `application/json` alone, at most 16 KiB (unless the operation says more)
 * counted as it is read, strict UTF-8, strict JSON, then the operation's own schema, which names every field it refuses and repeats no value.
 */
import * as v from 'valibot'
import { type FieldError, isRefusal, type Refusal, refuse } from '../problem.ts'
import { parseJson } from './json.ts'
import { isOfType } from './media-type.ts'

export const MAX_BODY_BYTES = 16 * 1024
const MAX_DEPTH = 8

type ObjectSchema = v.GenericSchema<Record<string, unknown>, unknown>

/**
 * @param options.optional no body counts as `{}`, whatever its type, and so does `null`: operations that a cookie or a
 * bearer token can authorise alone, which must check for themselves where a cookie comes from, because any page can post this
 */
export async function readJsonBody<Schema extends ObjectSchema>(
  request: Request,
  schema: Schema,
  { optional = false, maxBytes = MAX_BODY_BYTES }: { optional?: boolean; maxBytes?: number | undefined } = {},
): Promise<{ value: v.InferOutput<Schema> } | Refusal> {
  const body = await readBody(request, optional, maxBytes)
  if (isRefusal(body)) return body
  // Valibot takes a list for an object without members.
  if (Array.isArray(body.value))
    return refuse('invalid_input', { errors: [{ pointer: '', code: 'wrong_type' }] })
  // One error per field, and no further check of a text that is already too long.
  const parsed = v.safeParse(schema, body.value, { abortPipeEarly: true })
  return parsed.success ? { value: parsed.output } : invalidInput(parsed.issues)
}

async function readBody(
  request: Request,
  optional: boolean,
  maxBytes: number,
): Promise<{ value: unknown } | Refusal> {
  const isJson = isOfType(request.headers, 'application/json')
  if (!isJson && !optional) return unsupportedType()
  const bytes = await readBytes(request, maxBytes)
  if (isRefusal(bytes)) return bytes
  // What has no content has no type (RFC 9110 §8.3), but many clients name one all the same.
  if (optional && bytes.length === 0) return { value: {} }
  if (!isJson) return unsupportedType()
  const parsed = parseText(bytes)
  return optional && 'value' in parsed && parsed.value === null ? { value: {} } : parsed
}

/**
 * Reads the stream and stops at the limit, whatever Content-Length claimed.
 * @returns refusals `payload_too_large`, also of a body that declares it; `invalid_request` of one that ends early
 */
export async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array | Refusal> {
  if (Number(request.headers.get('content-length')) > maxBytes) return tooLarge(maxBytes)
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length
      if (length > maxBytes) return tooLarge(maxBytes)
      chunks.push(chunk)
    }
  } catch {
    return refuse('invalid_request', { detail: 'The body is incomplete.' }) // who sends it hung up or broke its framing
  }
  const bytes = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.length
  }
  return bytes
}

function parseText(bytes: Uint8Array): { value: unknown } | Refusal {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return refuse('invalid_json', { detail: 'The body is not UTF-8.' })
  }
  const json = parseJson(text, MAX_DEPTH)
  if ('value' in json) return json
  const details = {
    not_json: 'The body is not JSON.',
    duplicate_key: 'An object has the same key twice.',
    too_deep: `Objects and arrays may be nested at most ${MAX_DEPTH} levels deep.`,
  }
  return refuse('invalid_json', { detail: details[json.problem] })
}

const unsupportedType = () =>
  refuse('unsupported_media_type', { detail: 'Send the body as application/json.' })
const tooLarge = (maxBytes: number) =>
  refuse('payload_too_large', { detail: `The limit is ${maxBytes} bytes.` })

/** Valibot's own messages quote what was received, which may be a password: only the path and our codes leave here. */
export function invalidInput(issues: readonly v.BaseIssue<unknown>[]): Refusal {
  const errors = issues.map((issue): FieldError => {
    const path = (issue.path ?? []).map(
      ({ key }) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    )
    return { pointer: path.join(''), code: codeOf(issue) }
  })
  return refuse('invalid_input', { errors })
}

function codeOf(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object')
    return issue.expected === 'never' ? 'unknown_field' : missingOr('wrong_type', issue)
  if (issue.kind === 'schema')
    return missingOr(issue.type === 'picklist' ? 'not_allowed' : 'wrong_type', issue)
  // Checks of ours state their code as the message: `v.check(…, 'invalid_email')`.
  return /^[a-z_]+$/.test(issue.message) ? issue.message : 'invalid'
}

const missingOr = (code: string, issue: v.BaseIssue<unknown>) =>
  issue.input === undefined ? 'missing' : code
