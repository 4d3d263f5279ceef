/**
 * Which addresses are public, so that a webhook may reach them (SSRF). `ipaddr.js`
 * knows the special ranges (IANA's registries); what it cannot read is not public.
 */
import ipaddr from 'ipaddr.js'

/** All of IPv6 that IANA has given out as global unicast: without it `::127.0.0.1` would be as good as any. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/** @param address as DNS says it: four decimal numbers, or IPv6 without a zone */
export function isPublicAddress(address: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address).range() === 'unicast'
  if (address.includes('%') || !ipaddr.IPv6.isValid(address)) return false
  const parsed = ipaddr.IPv6.parse(address)
  return parsed.range() === 'unicast' && parsed.match(GLOBAL_UNICAST)
}

/** An address in any spelling that a parser may accept: short, octal, hexadecimal, one number, in brackets. */
export function isAddressLiteral(hostname: string): boolean {
  return ipaddr.isValid(hostname.replace(/^\[|\]$/g, ''))
}
