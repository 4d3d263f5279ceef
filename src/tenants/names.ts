/** What names a tenant: its slug, its issuer, the hosts it answers at and the web origins it trusts, each exactly as requests carry it. */

/** A word for commands and log lines. */
export const isSlug = (text: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)

/** Shown in mails and on pages. */
export const isTenantName = (text: string): boolean =>
  text.trim() === text && /^\P{Cc}{1,100}$/u.test(text) && text.length > 0

/** A host as the `Host` header has it: lower case, with its port where that is not the scheme's own. */
export function isHost(text: string): boolean {
  const url = URL.parse(`https://${text}`)
  return url !== null && url.host === text && url.href === `https://${text}/`
}

/**
 * An origin exactly as browsers write it (RFC 6454 §6.1), which is what issuers and allowed origins are compared with.
 * @param mayBePlain whether `http:` will do, as for an application on a developer's own machine
 */
export function isOrigin(text: string, mayBePlain: (hostname: string) => boolean): boolean {
  const url = URL.parse(text)
  if (url === null || url.origin !== text) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && mayBePlain(url.hostname))
}

/** Whether passkeys of a domain (WebAuthn's RP ID) can be used at a host: it is that domain, or below it. */
export const isWithin = (domain: string, hostname: string): boolean =>
  hostname === domain || hostname.endsWith(`.${domain}`)
