/** Signing in with a passkey: the browser offers those that it has for the domain, so no address is typed, and none is asked about. */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { fromBase64Url } from '../crypto/base64.ts'
import { noteRing, requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { findKnownDevice } from '../sign-in/known-device.ts'
import { type Begun, prepare } from '../sign-in/start.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { verifyAnswer } from './assertion.ts'
import { type Browser, browserOf, keepChallenge, newChallenge, takeChallenge } from './ceremony.ts'
import { type Assertion, readClientData, refusePasskey } from './credential.ts'
import { requestOptions } from './options.ts'
import { relyingPartyOf } from './relying-party.ts'
import { type FoundCredential, findForSignIn, findTenantForOptions, signIn } from './sign-in-store.ts'

const PURPOSE = { kind: 'sign_in', userId: null } as const

/**
 * Makes the challenge: limit and challenge ∥ read.
 * @returns refusals `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function beginSignIn(
  ctx: Context,
  headers: Headers,
): Promise<{ options: ReturnType<typeof requestOptions>; browser: Browser } | Refusal> {
  const challenge = newChallenge(ctx)
  const browser = browserOf(ctx, headers)
  const besides = await keepChallenge(ctx, challenge, { purpose: PURPOSE, browser })
  const [limited, [row]] = await Promise.all([
    checkLimits(ctx, 'beginPasskeySignIn', {}, besides),
    findTenantForOptions(ctx),
  ])
  const tenant = requireTenant(ctx, row?.tenant)
  if (isRefusal(tenant)) return tenant
  noteRing(ctx, row?.ring, 'passkey')
  return limited ?? { options: requestOptions(challenge, relyingPartyOf(tenant)), browser }
}

/**
 * Signs in: (limit and challenge ∥ read) → verify → one batch. An unknown passkey, one of a disabled, closed or unproved
 * account, a wrong signature and a challenge that was used are one answer.
 * @returns refusals `invalid_passkey`, `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function signInWithPasskey(
  ctx: Context,
  headers: Headers,
  assertion: Assertion,
): Promise<Begun | Refusal> {
  const clientData = readClientData(assertion.response.clientDataJSON)
  const asked = clientData?.challenge ?? ''
  const { besides, taken } = await takeChallenge(ctx, asked, { purpose: PURPOSE, headers })
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'finishPasskeySignIn', {}, besides),
    findForSignIn(ctx, fromBase64Url(assertion.id) ?? new Uint8Array()),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, 'passkey')
  const ceremony = taken()
  if (!clientData || !ceremony) return refusePasskey('no such challenge')
  const credential = usableCredential(ctx, found?.credential, tenant)
  if (isRefusal(credential)) return credential

  const verified = await verifyAnswer(assertion, { clientData, tenant, credential, withHandle: true })
  if (isRefusal(verified)) return verified
  const key = await openCurrentKey(ctx, found?.key)
  const device = await findKnownDevice(ctx, headers, credential.email)
  const beginning = await prepare(ctx, 'passkey', {
    tenant,
    key,
    at: found?.at,
    ring: found?.ring,
    isKnownBrowser: device !== null,
  })
  const begun = await signIn(ctx, { ...verified, ...credential, ceremony, tenant }, beginning)
  return begun ?? refusePasskey('challenge used before, counter went back, or account not usable')
}

type UsableCredential = {
  id: string
  userId: string
  email: CanonicalEmail
  publicKey: Uint8Array
  backupEligible: boolean
  isImported: boolean
}

/** Before its address is proved, an account is no one's yet, as for a password (src/passwords/sign-in.ts). */
function usableCredential(
  { outcome }: Pick<Context, 'outcome'>,
  found: FoundCredential | null | undefined,
  { policy }: Pick<Tenant, 'policy'>,
): UsableCredential | Refusal {
  outcome.subject = found?.userId
  const publicKey = found && fromBase64Url(found.publicKey)
  if (!found || !publicKey) return refusePasskey('unknown passkey')
  const isProved = found.isProved || policy.registration === 'sign-in-at-once'
  if (!found.isActive || !isProved || found.email === null) return refusePasskey('account not usable')
  // A live account has an address, and the column holds no other form.
  return { ...found, email: found.email as CanonicalEmail, publicKey }
}
