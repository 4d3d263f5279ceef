/** Where a webhook may point: wherever we may call at all (http/outbound.ts), and never at ourselves. */
import type { Context } from '../context.ts'
import { findPublicTarget, type TargetReason } from '../http/outbound.ts'
import { type Refusal, refuse } from '../problem.ts'

/** That a target is refused, and why. */
export const refuseTarget = (reason: TargetReason | 'own_host'): Refusal =>
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
  const target = await findPublicTarget(ctx, text)
  return typeof target === 'string' ? refuseTarget(target) : target
}
