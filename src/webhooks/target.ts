/**
 * Where a webhook may point (SSRF, CASES M01 and M03): https on port 443 to a name whose every address is public. Asked
 * when an endpoint is made or changed and again before each delivery, test and replay, because names move. What we
 * connect to resolves the name once more: that nothing private is reachable even then is the platform's part
 * (`global_fetch_strictly_public`, and Workers have no way into anybody's network).
 */
import type { Context } from '../context.ts'
import { type Refusal, refuse } from '../problem.ts'
import { findAddresses } from './dns.ts'
import { isAddressLiteral, isPublicAddress } from './public-address.ts'

export const MAX_URL_CHARACTERS = 2048

/**
 * Names that mean something else than a host of the public DNS, with everything below them: IANA's registry of
 * special-use domain names (RFC 6761), `internal` (ICANN 2024) and those that networks use privately (RFC 6762 app. G).
 */
const SPECIAL_USE = [
  ...['alt', 'arpa', 'example', 'example.com', 'example.net', 'example.org', 'invalid', 'local', 'localhost'],
  ...['onion', 'test', 'internal', 'intranet', 'private', 'corp', 'home', 'lan', 'localdomain'],
]

type Reason =
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
  | 'own_host'

/** That a target is refused, and why. */
export const refuseTarget = (reason: Reason): Refusal =>
  refuse('webhook_target_refused', {
    errors: [{ pointer: '/url', code: reason }],
    evidence: { reason },
  })

/**
 * @returns the URL, whose `href` is what to keep and to call; refusal `webhook_target_refused`
 * @throws Fault `upstream_*` when DNS cannot be asked: what was not checked is not called
 */
export async function requirePublicTarget(
  ctx: Pick<Context, 'settings'>,
  text: string,
): Promise<URL | Refusal> {
  const { allowPrivateTargets } = ctx.settings.webhooks
  const url = URL.parse(text)
  const reason = refuseText(text, url) ?? (url && !allowPrivateTargets ? await refusePrivate(ctx, url) : null)
  if (reason) return refuseTarget(reason)
  return url ?? refuseTarget('not_a_url')
}

/** What no target may be, not even on the local stack: text that two parsers read differently, or that says more than where. */
function refuseText(text: string, url: URL | null): Reason | null {
  // The parser drops tabs and line ends, and takes `\` for `/` and `。` for a dot (CASES M03).
  if (/[^\x21-\x7e]|\\/.test(text)) return 'invalid_characters'
  if (!url) return 'not_a_url'
  if (url.href.length > MAX_URL_CHARACTERS) return 'too_long'
  if (!/^https?:$/.test(url.protocol)) return 'scheme_not_allowed'
  if (url.username !== '' || url.password !== '') return 'userinfo_not_allowed'
  if (url.href.includes('#')) return 'fragment_not_allowed'
  return null
}

async function refusePrivate(ctx: Pick<Context, 'settings'>, url: URL): Promise<Reason | null> {
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
