/**
 * How a form of one of our own pages gets in: posted by that page, as `application/x-www-form-urlencoded` (with a file, as
 * `multipart/form-data`), at most as large as any body, strict UTF-8, no field twice, then the operation's own schema. A field
 * that was left empty counts as absent, because a browser sends it all the same.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { toBase64 } from '../crypto/base64.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { invalidInput, MAX_BODY_BYTES, readBytes } from './body.ts'
import { isOfType } from './media-type.ts'

type ObjectSchema = v.GenericSchema<Record<string, string | undefined>, unknown>

/** Pointers in errors are `/name`. */
export async function readForm<Schema extends ObjectSchema>(
  ctx: Context,
  request: Request,
  schema: Schema,
  {
    isForeign = false,
    file,
    maxBytes = MAX_BODY_BYTES,
  }: { isForeign?: boolean; file?: string | undefined; maxBytes?: number | undefined } = {},
): Promise<{ value: v.InferOutput<Schema> } | Refusal> {
  // The page of a provider is none that the tenant has to allow: what it posts authorises nothing by itself.
  if (isForeign) ctx.callerOrigin = null
  const fields = (isForeign ? null : refuseOtherPages(ctx)) ?? (await readFields(request, { file, maxBytes }))
  if (isRefusal(fields)) return fields
  ctx.posted = fields
  const parsed = v.safeParse(schema, Object.fromEntries(fields), { abortPipeEarly: true })
  return parsed.success ? { value: parsed.output } : invalidInput(parsed.issues)
}

/**
 * Any page of the web can post a form here, and the browser adds our cookies. Our own pages send no referrer, and then a
 * browser says `Origin: null` of them as it does of a sandboxed stranger (Fetch, "append a request `Origin` header"):
 * `Sec-Fetch-Site`, which no script can set, tells the two apart. A program sends neither, and has no cookies of a user.
 */
function refuseOtherPages(ctx: Context): Refusal | null {
  const { callerOrigin, fetchSite, origin } = ctx
  const isOwnSite = fetchSite === 'same-origin' || fetchSite === 'none'
  const isOwnOrigin = callerOrigin === null || callerOrigin === origin
  if (isOwnOrigin ? isOwnSite || fetchSite === null : isOwnSite && callerOrigin === 'null') {
    ctx.callerOrigin = origin // as proved: what is asked after it need not know of `null`
    return null
  }
  return refuse('origin_not_allowed', {
    evidence: { origin: callerOrigin?.slice(0, 200), fetch_site: fetchSite },
  })
}

type Fields = Map<string, string>

async function readFields(
  request: Request,
  { file, maxBytes }: { file: string | undefined; maxBytes: number },
): Promise<Fields | Refusal> {
  const type = request.headers.get('content-type') ?? ''
  const hasParts = file !== undefined && /^multipart\/form-data\s*;/i.test(type)
  if (!hasParts && !isOfType(request.headers, 'application/x-www-form-urlencoded'))
    return refuse('unsupported_media_type', {
      detail: 'Send the form as application/x-www-form-urlencoded.',
    })
  const bytes = await readBytes(request, maxBytes)
  if (isRefusal(bytes)) return bytes
  if (hasParts) return readParts(bytes, type, file)
  try {
    return parseFields(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return refuse('invalid_request', { detail: 'The form is not UTF-8.' })
  }
}

/** A file is the data URL of what it says it is; one that was not chosen is an empty part without a name. */
async function readParts(bytes: Uint8Array, type: string, file: string): Promise<Fields | Refusal> {
  let parts: FormData
  try {
    parts = await new Response(bytes, { headers: { 'content-type': type } }).formData()
  } catch {
    return refuse('invalid_request', { detail: 'The form is not multipart/form-data.' })
  }
  const fields: Fields = new Map()
  for (const [name, value] of parts) {
    if (fields.has(name))
      return refuse('invalid_input', { errors: [{ pointer: `/${name}`, code: 'repeated' }] })
    const isText = typeof value === 'string'
    if (!isText && name !== file)
      return refuse('invalid_input', { errors: [{ pointer: `/${name}`, code: 'wrong_type' }] })
    // Bytes that are not UTF-8 were replaced where the parts were read.
    if (isText && value.includes('\ufffd'))
      return refuse('invalid_request', { detail: 'The form is not UTF-8.' })
    fields.set(name, isText ? value : await dataUrlOf(value))
  }
  return withoutEmpty(fields)
}

async function dataUrlOf(file: File): Promise<string> {
  if (file.size === 0) return ''
  const base64 = toBase64(new Uint8Array(await file.arrayBuffer()))
  return `data:${file.type};base64,${base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')}`
}

const withoutEmpty = (fields: Fields): Fields => new Map([...fields].filter(([, value]) => value !== ''))

/** @throws where text, once decoded, is not UTF-8: `URLSearchParams` would read another text instead */
function parseFields(text: string): Fields | Refusal {
  const fields: Fields = new Map()
  for (const pair of text.split('&')) {
    const [name = '', ...value] = pair.split('=')
    const decoded = decode(name)
    if (fields.has(decoded))
      return refuse('invalid_input', { errors: [{ pointer: `/${decoded}`, code: 'repeated' }] })
    fields.set(decoded, decode(value.join('=')))
  }
  return withoutEmpty(fields)
}

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
