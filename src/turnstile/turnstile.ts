/**
 * Cloudflare Turnstile: where a tenant wants it (`turnstile_*` of its settings), only who its widget takes for a person signs up or
 * has a mail sent. Cloudflare is asked by the server, inside a deadline. What it does instead of answering is the tenant's to
 * decide: refused, unless `turnstile_unreachable` is `pass`. Which sites may show the widget is set at Cloudflare.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { open, seal } from '../crypto/sealing.ts'
import { text } from '../http/input.ts'
import { callOutbound } from '../http/outbound.ts'
import { Fault, isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { findTurnstile } from './turnstile-store.ts'

const TIMEOUT_MS = 3_000
const MAX_ANSWER_BYTES = 16 * 1024

/** What the widget gives its page; Cloudflare makes none that is longer. */
export const TurnstileToken = v.optional(text(2048))

/** Of siteverify, as far as it is read. */
const Answer = v.object({
  success: v.boolean(),
  'error-codes': v.optional(v.array(v.string()), []),
})

/** What is wrong with what the caller sent; anything else is wrong with us or with Cloudflare. */
const OF_CALLER = ['missing-input-response', 'invalid-input-response', 'timeout-or-duplicate', 'bad-request']

export const sealTurnstileSecret = (
  { settings, random }: Pick<Context, 'settings' | 'random'>,
  tenantId: string,
  secret: string,
): Promise<string> =>
  seal(settings.authKeys, 'seal:turnstile', new TextEncoder().encode(secret), tenantId, random)

/**
 * For a statement that asks by itself whether the tenant wants this (`letsIn`): where a token is given, it is checked here, in one
 * trip more. Call it after the limits.
 * @returns whether the caller passed; refusals `turnstile_failed`, `unknown_host`, `origin_not_allowed`
 * @throws Fault `upstream_unavailable`
 */
export async function passTurnstile(ctx: Context, token: string | undefined): Promise<boolean | Refusal> {
  if (token === undefined) return false
  const [row] = await findTurnstile(ctx)
  const tenant = requireTenant(ctx, row?.tenant)
  if (isRefusal(tenant)) return tenant
  return (await checkTurnstile(ctx, tenant, row?.sealedSecret ?? null, token)) ?? true
}

/** What the statement answered for who had not passed. Refusal `turnstile_failed`, or null. */
export const refuseUnlessPassed = ({ policy }: Tenant, hasPassed: boolean): Refusal | null =>
  hasPassed || policy.turnstile_site_key === undefined ? null : refuseRobot('no token')

/**
 * @returns null also where the tenant does not want it; refusal `turnstile_failed`
 * @throws Fault `upstream_unavailable`
 */
export async function checkTurnstile(
  ctx: Pick<Context, 'settings' | 'log' | 'trips' | 'now'>,
  { id, policy }: Tenant,
  sealedSecret: string | null,
  token: string | undefined,
): Promise<Refusal | null> {
  if (policy.turnstile_site_key === undefined) return null
  if (token === undefined) return refuseRobot('no token')
  const opened = sealedSecret && (await open(ctx.settings.authKeys, 'seal:turnstile', sealedSecret, id))
  if (!opened) throw new Fault('internal_error', 'the secret of Turnstile is not there, or does not open')
  const said = await ask(ctx, new TextDecoder().decode(opened), token)
  if (said.is === 'passed') return null
  if (said.is === 'failed') return refuseRobot(said.cause)
  const passes = policy.turnstile_unreachable === 'pass' && said.is === 'unread'
  ctx.log(passes ? 'warn' : 'error', 'Turnstile did not answer', { cause: said.cause, passes })
  if (passes) return null
  throw new Fault('upstream_unavailable', `Turnstile did not answer: ${said.cause}`)
}

/** `refused`: Cloudflare does not take our secret, or our question. */
type Said = { is: 'passed' } | { is: 'failed' | 'refused' | 'unread'; cause: string }

async function ask(
  { settings, trips, now }: Pick<Context, 'settings' | 'trips' | 'now'>,
  secret: string,
  token: string,
): Promise<Said> {
  const body = new URLSearchParams({ secret, response: token })
  // Not `remoteip`: it is optional, and who calls is no business of a third party.
  const startedAt = now().getTime()
  const sent = { method: 'POST', headers: new Headers({ accept: 'application/json' }), body }
  const answered = await callOutbound(new URL(settings.turnstileVerifyUrl), sent, {
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_ANSWER_BYTES,
  })
  trips.postpone(now().getTime() - startedAt)
  if (typeof answered === 'string') return { is: 'unread', cause: answered }
  const answer = readAnswer(answered.body)
  // It answers 400 with its codes, where something is missing.
  if (!answer) return { is: 'unread', cause: `http_${answered.status}` }
  if (answer.success) return answered.status === 200 ? { is: 'passed' } : { is: 'unread', cause: 'malformed' }
  const codes = answer['error-codes']
  const cause = codes.join(' ').slice(0, 200)
  if (codes.includes('internal-error')) return { is: 'unread', cause }
  const isOfCaller = codes.length > 0 && codes.every((code) => OF_CALLER.includes(code))
  return { is: isOfCaller ? 'failed' : 'refused', cause }
}

function readAnswer(body: string | null): v.InferOutput<typeof Answer> | null {
  try {
    const parsed = v.safeParse(Answer, JSON.parse(body ?? ''))
    return parsed.success ? parsed.output : null
  } catch {
    return null // no JSON, which says the cause beside it
  }
}

const refuseRobot = (reason: string): Refusal => refuse('turnstile_failed', { evidence: { reason } })
