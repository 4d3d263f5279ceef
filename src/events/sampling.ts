/**
 * Which attempts are recorded, where a caller can make as many as they like: the cheap ones, and those at no
 * account, which nothing else bounds. One a minute for each network, sixty a minute for a host, counted at the edge per
 * location; the next one that is recorded says how many it counts for. Attempts at an account are recorded for that
 * account, independently of others.
 */
import type { Context } from '../context.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { EVENTS } from './catalogue.ts'
import type { Attempt } from './messages.ts'

type Sampler = Pick<Context, 'origin' | 'log' | 'defer' | 'now' | 'client'>

const MINUTE_MS = 60_000
/** For one host, kind of attempt and location. */
const TOLD_AT_NO_ACCOUNT = 60
/** How long a mark remembers what it has not told yet. */
const MARK_SECONDS = 3600

/** @returns for how many attempts this one is told, itself included; 0 when it is counted and not told */
export async function sampleAttempt(
  ctx: Sampler,
  { type, subject, data: { operation, code } }: Pick<Attempt, 'type' | 'subject' | 'data'>,
): Promise<number> {
  if (subject !== null && EVENTS[type].origin !== 'attempt, once a minute') return 1
  const kind = [type, operation, code, subject]
  const network = await passMark(ctx, [...kind, ctx.client.truncatedAddress], { times: 1, most: 1 })
  if (network === 0 || subject !== null) return network
  return passMark(ctx, kind, { times: network, most: TOLD_AT_NO_ACCOUNT })
}

type Mark = { since: number; told: number; missed: number }

/** Not atomic: simultaneous ones may be told besides, or be missing in the count. */
async function passMark(
  ctx: Sampler,
  parts: unknown[],
  { times, most }: { times: number; most: number },
): Promise<number> {
  const name = ['attempt', ...parts].map((part) => encodeURIComponent(String(part))).join('/')
  const kept = (await readEdgeCache(ctx, name)) as Mark | undefined // only this file writes below `attempt`
  const now = ctx.now().getTime()
  const isOver = !kept || now - kept.since >= MINUTE_MS
  const { since, told } = isOver ? { since: now, told: 0 } : kept
  const attempts = (kept?.missed ?? 0) + times
  const passes = told < most
  const mark: Mark = { since, told: passes ? told + 1 : told, missed: passes ? 0 : attempts }
  writeEdgeCache(ctx, name, mark, MARK_SECONDS)
  return passes ? attempts : 0
}
