/**
 * What an app elsewhere gets in the place of cookies: a code in its own address, good for a minute, once, and only with what its
 * `code_challenge` was made of (RFC 7636). The session begins when it is exchanged.
 */
import type { Context } from '../context.ts'
import { toBase64Url } from '../crypto/base64.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { type Begun, prepare } from '../sign-in/start.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { beginByExchange, insertCode, type NewCode } from './exchange-store.ts'
import { findForExchange } from './flow-store.ts'

const CODE_BYTES = 32

const sha256 = async (text: string) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))

/** 256 random bits, of which only the SHA-256 is stored. */
export async function newCode({
  random,
}: Pick<Context, 'random'>): Promise<{ text: string; hash: Uint8Array }> {
  const text = toBase64Url(random(CODE_BYTES))
  return { text, hash: await sha256(text) }
}

/** A code for the person of a live session: one trip. @returns null where the session has ended meanwhile */
export async function issueCode(
  ctx: Pick<Context, 'db' | 'host' | 'random'>,
  session: Omit<NewCode, 'hash'>,
): Promise<string | null> {
  const { text, hash } = await newCode(ctx)
  return (await insertCode(ctx, { ...session, hash })) ? text : null
}

/**
 * Begins the session: (limit ∥ read) → one batch. An unknown code, one that was used or is late, and another verifier are one answer.
 * @returns refusals `invalid_code`, `second_factor_required`, `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function exchangeCode(
  ctx: Context,
  { code, verifier }: { code: string; verifier: string },
): Promise<Begun | Refusal> {
  const hash = await sha256(code)
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'exchangeSocialSignIn'),
    findForExchange(ctx, hash),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, 'social')
  const passed = found?.exchange
  if (!passed) return refuse('invalid_code', { evidence: { reason: 'no such code' } })
  const key = await openCurrentKey(ctx, found.key)
  const aal = passed.aal === 2 ? 2 : 1
  const beginning = await prepare(ctx, { amr: passed.amr, aal }, { tenant, key, at: found.at })
  const challenge = toBase64Url(await sha256(verifier))
  const begun = await beginByExchange(ctx, { hash, challenge }, beginning)
  return begun ?? refuse('invalid_code', { evidence: { reason: 'used, late or another verifier' } })
}
