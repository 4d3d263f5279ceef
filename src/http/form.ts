/**
 * How a form of one of our own pages gets in: posted by that page, as `application/x-www-form-urlencoded`, at most as
 * large as any body, strict UTF-8, no field twice, then the operation's own schema. A field that was left empty counts
 * as absent, because a browser sends it all the same.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { invalidInput, readBytes } from './body.ts'
import { isOfType } from './media-type.ts'

type ObjectSchema = v.GenericSchema<Record<string, string | undefined>, unknown>

/** Pointers in errors are `/name`. */
export async function readForm<Schema extends ObjectSchema>(
  ctx: Context,
  request: Request,
  schema: Schema,
  { isForeign = false }: { isForeign?: boolean } = {},
): Promise<{ value: v.InferOutput<Schema> } | Refusal> {
  // The page of a provider is none that the tenant has to allow: what it posts authorises nothing by itself.
  if (isForeign) ctx.callerOrigin = null
  const fields = (isForeign ? null : refuseOtherPages(ctx)) ?? (await readFields(request))
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

async function readFields(request: Request): Promise<Fields | Refusal> {
  if (!isOfType(request.headers, 'application/x-www-form-urlencoded'))
    return refuse('unsupported_media_type', {
      detail: 'Send the form as application/x-www-form-urlencoded.',
    })
  const bytes = await readBytes(request)
  if (isRefusal(bytes)) return bytes
  try {
    return parseFields(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return refuse('invalid_request', { detail: 'The form is not UTF-8.' })
  }
}

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
  return new Map([...fields].filter(([, value]) => value !== ''))
}

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
