/**
 * For whom passkeys of a tenant are made (WebAuthn's relying party): a domain, and the origins on which they may be used.
 * Both are the operator's settings; nothing here is read from a request.
 */
import { Fault } from '../problem.ts'
import type { Tenant } from '../tenants/tenants.ts'

export type RelyingParty = {
  /** The RP ID, e.g. `example.com`: a passkey works for this domain alone. */
  id: string
  /** What the person's device shows. */
  name: string
  /** As `clientDataJSON` says them, compared whole. */
  origins: readonly string[]
}

type PartyOf = Pick<Tenant, 'id' | 'name' | 'issuer' | 'allowedOrigins' | 'policy'>

/** The domain alone: the issuer's host, unless the tenant says another. */
export const rpIdOf = ({ issuer, policy }: Pick<Tenant, 'issuer' | 'policy'>): string =>
  policy.passkey_rp_id ?? new URL(issuer).hostname

/** @throws Fault when the tenant's settings leave no origin */
export function relyingPartyOf({
  id: tenantId,
  name,
  issuer,
  allowedOrigins,
  policy,
}: PartyOf): RelyingParty {
  const { protocol } = new URL(issuer)
  const id = rpIdOf({ issuer, policy })
  const covered = [...new Set([issuer, ...allowedOrigins])].filter((origin) => {
    const url = URL.parse(origin)
    return (
      url !== null && (url.protocol === 'https:' || url.protocol === protocol) && isCovered(url.hostname, id)
    )
  })
  const origins = policy.passkey_origins ?? covered
  if (origins.length === 0)
    throw new Fault('internal_error', `passkey_rp_id of tenant ${tenantId} covers none of its origins`)
  return { id, name, origins }
}

const isCovered = (host: string, rpId: string) => host === rpId || host.endsWith(`.${rpId}`)
