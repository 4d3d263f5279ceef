/**
 * What may leave for an address that a tenant gave us (SSRF): https on port 443 to a name whose
 * every address is public. Asked when the address is stored and again before each request, because names move. What we
 * connect to resolves the name once more: that nothing private is reachable even then is the platform's part
 * (`global_fetch_strictly_public`, and Workers cannot reach private networks).
 */
import type { Context } from '../context.ts'
import { findAddresses } from './dns.ts'
import { isAddressLiteral, isPublicAddress } from './public-address.ts'
import { readAtMost } from './read-at-most.ts'

const MAX_URL_CHARACTERS = 2048

/**
 * Names that mean something else than a host of the public DNS, with everything below them: IANA's registry of
 * special-use domain names (RFC 6761), `internal` (ICANN 2024) and those that networks use privately (RFC 6762 app. G).
 */
const SPECIAL_USE = [
  ...['alt', 'arpa', 'example', 'example.com', 'example.net', 'example.org', 'invalid', 'local', 'localhost'],
  ...['onion', 'test', 'internal', 'intranet', 'private', 'corp', 'home', 'lan', 'localdomain'],
]

/** Why an address may not be called. */
export type TargetReason =
  | 'not_a_url'
  | 'invalid_characters'
  | 'too_long'
  | 'scheme_not_allowed'
  | 'port_not_allowed'
  | 'userinfo_not_allowed'
  | 'fragment_not_allowed'
  | 'address_literal'
  | 'not_a_public_name'
  | 'not_resolvable'
  | 'no_address'
  | 'private_address'

/**
 * @returns the URL, whose `href` is what to keep and to call, or why it may not be called
 * @throws Fault `upstream_*` when DNS cannot be asked: what was not checked is not called
 */
export async function findPublicTarget(
  ctx: Pick<Context, 'settings'>,
  text: string,
): Promise<URL | TargetReason> {
  const url = URL.parse(text)
  const { allowPrivateTargets } = ctx.settings.outbound
  const reason = refuseText(text, url) ?? (url && !allowPrivateTargets ? await refusePrivate(ctx, url) : null)
  return reason ?? url ?? 'not_a_url'
}

/** What came back. `body` is null where it broke off, was late or is longer than was allowed. */
export type Answered = { status: number; headers: Headers; body: string | null }

/**
 * One request to where `findPublicTarget` allowed it: no redirect is followed, one deadline holds for all of it, and no more
 * of the answer is read than `maxBytes`.
 */
export async function callOutbound(
  target: URL,
  { method, headers, body }: { method: string; headers: Headers; body?: string | URLSearchParams | null },
  { timeoutMs, maxBytes }: { timeoutMs: number; maxBytes: number },
): Promise<Answered | 'timeout' | 'connection'> {
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(), timeoutMs)
  try {
    const sent = { method, headers, body: body ?? null, redirect: 'manual', signal: deadline.signal } as const
    const response = await fetch(target, sent)
    const text = await readAtMost(response, maxBytes + 1).catch(() => null)
    const isWhole = text !== null && new TextEncoder().encode(text).length <= maxBytes
    return { status: response.status, headers: response.headers, body: isWhole ? text : null }
  } catch {
    return deadline.signal.aborted ? 'timeout' : 'connection'
  } finally {
    clearTimeout(timer)
  }
}

/** What no target may be, not even on the local stack: text that two parsers read differently, or that says more than where. */
function refuseText(text: string, url: URL | null): TargetReason | null {
  // The parser drops tabs and line ends, and takes `\` for `/` and `。` for a dot.
  if (/[^\x21-\x7e]|\\/.test(text)) return 'invalid_characters'
  if (!url) return 'not_a_url'
  if (url.href.length > MAX_URL_CHARACTERS) return 'too_long'
  if (!/^https?:$/.test(url.protocol)) return 'scheme_not_allowed'
  if (url.username !== '' || url.password !== '') return 'userinfo_not_allowed'
  if (url.href.includes('#')) return 'fragment_not_allowed'
  return null
}

async function refusePrivate(ctx: Pick<Context, 'settings'>, url: URL): Promise<TargetReason | null> {
  const { protocol, port, hostname } = url
  if (protocol !== 'https:') return 'scheme_not_allowed'
  if (port !== '') return 'port_not_allowed' // 443 is none: it is the scheme's own
  if (isAddressLiteral(hostname)) return 'address_literal'
  if (!isPublicName(hostname)) return 'not_a_public_name'
  const addresses = await findAddresses(ctx, hostname)
  if (addresses === null) return 'not_resolvable'
  if (addresses.length === 0) return 'no_address'
  return addresses.every(isPublicAddress) ? null : 'private_address'
}

/** Of two labels at least, without the dot of the root: with it, a name would be none of ours and yet the same. */
function isPublicName(hostname: string): boolean {
  const isSpecial = SPECIAL_USE.some((name) => hostname === name || hostname.endsWith(`.${name}`))
  return hostname.length <= 253 && /^[^.]+(\.[^.]+)+$/.test(hostname) && !isSpecial
}
