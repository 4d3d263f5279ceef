/**
 * For whom a server calls. A back end shares its address with others (on Workers with everyone else's), so it may name its
 * own client in one header, signed with a credential that is derived from SERVICE_KEYS for the host it calls: a tenant's
 * server holds nothing that counts on another's host. What is named so replaces what the edge saw, in limits, sessions,
 * events and mail. A header that does not hold is refused, never ignored, because the caller would be counted wrongly.
 *
 * The signature covers the header, the method and the path with its query; the host is in the key. It does not cover the
 * body, which would have to be read before the limits: a header that leaks can be sent again for two minutes, to the same
 * operation, and only counts against the same client.
 */
import type { Context } from '../context.ts'
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'
import { equalInConstantTime, hmacSha256 } from '../crypto/hmac.ts'
import { deriveKey, type Keyring } from '../crypto/keyring.ts'
import { type Refusal, refuse } from '../problem.ts'
import { type ClientDetails, describeClient, parseAddress } from './client.ts'

const HEADER = 'latchkey-caller'
const MAX_SKEW_SECONDS = 60

/** `ua` and `city` are base64url of UTF-8; 512 characters of a User-Agent fit. One order, so one spelling. */
const FORM =
  /^(?<claims>v1;t=(?<time>[0-9]{1,12});ip=(?<address>[0-9A-Fa-f:.]{1,64})(;ua=(?<userAgent>[\w-]{0,2048}))?(;country=(?<country>[A-Z]{2}))?(;city=(?<city>[\w-]{0,512}))?;k=(?<keyId>[\w-]{1,16}));sig=(?<signature>[\w-]{43})$/

type CallerContext = Pick<
  Context,
  'settings' | 'host' | 'callerOrigin' | 'fetchSite' | 'client' | 'outcome' | 'now'
>

/** Puts the client that a trusted caller names in the place of the one that connected. Refusal `invalid_caller`. */
export async function identifyClient(ctx: CallerContext, request: Request): Promise<Refusal | null> {
  const header = request.headers.get(HEADER)
  if (header === null) return null
  // A page that could send it would know the credential; and what a back end copies from a browser may be that page's.
  if (ctx.callerOrigin !== null || ctx.fetchSite !== null)
    return invalid('browser', 'A browser request (with Origin or Sec-Fetch-Site) must not send this header.')
  if (!ctx.settings.serviceKeys) return invalid('no SERVICE_KEYS', 'This deployment has no SERVICE_KEYS.')
  const claims = FORM.exec(header)?.groups
  if (!claims)
    return invalid('malformed', 'Send the header once, as v1;t=…;ip=…;ua=…;country=…;city=…;k=…;sig=….')
  if (!(await isSigned(ctx.settings.serviceKeys, ctx.host, request, claims)))
    return invalid('signature', 'The signature does not match this host, method and path.', {
      caller_key: claims.keyId,
    })
  const ageSeconds = Math.round(ctx.now().getTime() / 1000 - Number(claims.time))
  if (Math.abs(ageSeconds) > MAX_SKEW_SECONDS)
    return invalid(
      'time',
      `The time t differs from the server time by more than ${MAX_SKEW_SECONDS} seconds.`,
      {
        age_seconds: ageSeconds,
      },
    )
  const client = readClaims(claims)
  if (!client)
    return invalid('values', 'ip is not an IP address, or ua or city is not base64url-encoded UTF-8.')
  ctx.outcome.connecting_address = ctx.client.truncatedAddress
  ctx.outcome.vouched_by = client.vouchedBy
  ctx.client = client
  return null
}

const invalid = (reason: string, detail: string, more = {}): Refusal =>
  refuse('invalid_caller', { detail, evidence: { reason, ...more } })

/** The groups of FORM; those of optional parts are undefined where the part is absent. */
type Claims = Record<string, string | undefined>

async function isSigned(keyring: Keyring, host: string, request: Request, claims: Claims): Promise<boolean> {
  if (!keyring.some(({ keyId }) => keyId === claims.keyId)) return false
  const { key } = await deriveKey(keyring, `caller:${host}`, claims.keyId)
  const { pathname, search } = new URL(request.url)
  const expected = await hmacSha256(key, `${request.method}\n${pathname}${search}\n${claims.claims}`)
  const signature = fromBase64Url(claims.signature ?? '')
  return signature !== null && equalInConstantTime(signature, expected)
}

function readClaims({ address = '', userAgent, country, city, keyId = '' }: Claims): ClientDetails | null {
  const groups = parseAddress(address)
  const [userAgentText, cityText] = [decode(userAgent), decode(city)]
  if (groups === null || userAgentText === null || cityText === null) return null
  const facts = { userAgent: userAgentText || null, city: cityText, country, asnOrg: null, vouchedBy: keyId }
  return describeClient(groups, facts)
}

/** The text; empty where the part is absent, null where it is no base64url of UTF-8. */
function decode(part = ''): string | null {
  const bytes = fromBase64Url(part)
  try {
    return bytes && new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null // not UTF-8
  }
}

/** What a server signs with that calls `host` for others: the id of the newest key, and the key for that host. */
export async function newServiceCredential(keyring: Keyring, host: string): Promise<string> {
  const { keyId, key } = await deriveKey(keyring, `caller:${host}`)
  return `${keyId}.${toBase64Url(key)}`
}
