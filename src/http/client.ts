/**
 * Who is calling, as far as the edge knows: address, place, device. Trusts `CF-Connecting-IP` and `request.cf` alone,
 * which Cloudflare writes itself; every other address header can be set by the client and is never read. What a server
 * signs for its own client is in trusted-caller.ts.
 */

export type ClientDetails = {
  /** Canonical network of the caller for limits: IPv4 /32, IPv6 /64, or `UNKNOWN_NETWORK`. */
  network: string
  /** The IPv6 /48 around it, which one customer may have whole; null for IPv4, whose addresses are scarce. */
  site: string | null
  /** What may be stored and shown: IPv4 /24, IPv6 /48. */
  truncatedAddress: string | null
  country: string | null
  city: string | null
  asnOrg: string | null
  userAgent: string | null
  /** The id of the service key under which a server named this client (trusted-caller.ts); null when it called itself. */
  vouchedBy: string | null
  /** The API key that called, once it is known to be good (guard/key-caller.ts). */
  apiKeyId: string | null
}

const MAX_USER_AGENT = 512

/** Callers whose address the edge did not state share one strict bucket (src/limits/check.ts). */
export const UNKNOWN_NETWORK = 'unknown'

export function readClient(request: Request): ClientDetails {
  const { cf } = request as { cf?: Record<string, unknown> } // Cloudflare's own, and optional: absent in some previews
  return describeClient(parseAddress(request.headers.get('cf-connecting-ip') ?? ''), {
    country: cf?.country,
    city: cf?.city,
    asnOrg: cf?.asOrganization,
    userAgent: request.headers.get('user-agent'),
    vouchedBy: null,
  })
}

type Facts = Record<'country' | 'city' | 'asnOrg', unknown> & Pick<ClientDetails, 'userAgent' | 'vouchedBy'>

/** What limits count and tables keep of an address, or of none; of the facts only text, cut to what is shown. */
export function describeClient(groups: Groups | null, facts: Facts): ClientDetails {
  return {
    network: groups === null ? UNKNOWN_NETWORK : prefix(groups, 4),
    site: groups?.length === 8 ? prefix(groups, 3) : null,
    truncatedAddress: groups === null ? null : prefix(groups, 3),
    country: text(facts.country),
    city: text(facts.city),
    asnOrg: text(facts.asnOrg),
    userAgent: facts.userAgent === null ? null : printable(facts.userAgent, MAX_USER_AGENT),
    vouchedBy: facts.vouchedBy,
    apiKeyId: null,
  }
}

/**
 * The network that an address or a CIDR prefix names, no narrower than what is stored (IPv4 /24, IPv6 /48), with
 * everything after its prefix set to zero; null when it is neither.
 */
export function networkOf(text: string): string | null {
  const [address = '', length, ...rest] = text.split('/')
  const groups = parseAddress(address)
  if (groups === null || rest.length > 0 || (length !== undefined && !/^[0-9]{1,3}$/.test(length)))
    return null
  const bitsPerGroup = groups.length === 4 ? 8 : 16
  const all = groups.length * bitsPerGroup
  if (length !== undefined && Number(length) > all) return null
  const bits = Math.min(length === undefined ? all : Number(length), 3 * bitsPerGroup)
  const masked = groups.map((group, index) => {
    const kept = Math.max(0, Math.min(bitsPerGroup, bits - index * bitsPerGroup))
    return group & ~(2 ** (bitsPerGroup - kept) - 1)
  })
  const written = groups.length === 4 ? masked.join('.') : masked.map((group) => group.toString(16)).join(':')
  return `${written}/${bits}`
}

type Groups = number[]

/** IPv4 as 4 numbers, IPv6 as 8; an IPv4-mapped IPv6 address is the IPv4 address it maps. Null when it is neither. */
export function parseAddress(address: string): Groups | null {
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)
  const dotted = mapped?.[1] ?? address
  if (/^([0-9]{1,3}\.){3}[0-9]{1,3}$/.test(dotted)) {
    const octets = dotted.split('.').map(Number)
    return octets.every((octet) => octet <= 255) ? octets : null
  }
  return address.includes(':') ? parseIpv6(address) : null
}

function parseIpv6(address: string): Groups | null {
  // The platform's own parser: canonical and lower case. It gets nothing that could end the brackets.
  const hostname = /^[0-9a-f:.]+$/i.test(address) && URL.parse(`http://[${address}]`)?.hostname
  if (!hostname) return null
  const [head = '', tail] = hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const groups = [...left, ...(tail === undefined ? [] : zeros), ...right].map((group) =>
    Number.parseInt(group, 16),
  )
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  const [high = 0, low = 0] = groups.slice(6)
  return isMapped ? [high >> 8, high & 255, low >> 8, low & 255] : groups
}

/** The first `kept` groups, in CIDR form: 4 octets are /32 and 3 are /24; 4 hextets are /64 and 3 are /48. */
function prefix(groups: Groups, kept: 3 | 4): string {
  if (groups.length === 4) return `${[...groups.slice(0, kept), 0].slice(0, 4).join('.')}/${kept * 8}`
  const hextets = groups.slice(0, kept).map((group) => group.toString(16))
  return `${hextets.join(':')}::/${kept * 16}`
}

const text = (value: unknown) => (typeof value === 'string' && printable(value, 128)) || null

/** Drops control characters, which have no place in a list that a person reads. Well-formed last: a cut can halve a pair. */
function printable(value: string, maxUnits: number): string {
  return value
    .replace(/\p{Cc}/gu, '')
    .slice(0, maxUnits)
    .toWellFormed()
}
