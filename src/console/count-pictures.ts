/** The numbers of the overview, from the audit log and the mails; they are kept at the edge for a minute, sealed. */
import * as v from 'valibot'
import { countEvents } from '../audit/count-store.ts'
import type { Context } from '../context.ts'
import { open, seal } from '../crypto/sealing.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import type { DropCount } from '../mailer/drops-store.ts'
import type { Window } from '../storage/intervals.ts'
import { CHANGES, type Counted, picturesOf, REFUSALS, type Span } from './pictures.ts'

const CACHED_SECONDS = 60

/**
 * One trip, or none where the edge has them.
 * @param counting.mails of the same window, which the trip has brought that says who looks
 */
export async function countPictures(
  ctx: Pick<Context, 'auditDb' | 'settings' | 'random' | 'origin' | 'log' | 'defer'>,
  tenantId: string,
  { span, window, mails }: { span: Span; window: Window; mails: readonly DropCount[] },
): Promise<Counted> {
  const name = `console-overview/${span}`
  const place = `${tenantId} ${span}`
  const kept = await readKept(ctx, name, place)
  if (kept) return kept
  const changes = Object.values(CHANGES).flat()
  const counts = await countEvents(ctx, tenantId, window, { changes, refusals: REFUSALS })
  const counted = { ...window, pictures: picturesOf(counts, mails, window) }
  const text = new TextEncoder().encode(JSON.stringify(counted))
  const sealed = await seal(ctx.settings.authKeys, 'edge:overview', text, place, ctx.random)
  writeEdgeCache(ctx, name, sealed, CACHED_SECONDS)
  return counted
}

/** What the edge keeps can be read by who asks it for the same address: so it is sealed, for the tenant. */
async function readKept(
  ctx: Pick<Context, 'settings' | 'origin' | 'log' | 'defer'>,
  name: string,
  place: string,
): Promise<Counted | null> {
  const sealed = v.safeParse(v.string(), await readEdgeCache(ctx, name))
  if (!sealed.success) return null
  // Of a key that was taken away since, it is counted anew.
  const opened = await open(ctx.settings.authKeys, 'edge:overview', sealed.output, place).catch(() => null)
  return opened && (JSON.parse(new TextDecoder().decode(opened)) as Counted) // as it was sealed above
}
