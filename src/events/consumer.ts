/**
 * Takes events from the queue and hands them to every sink. A message may come twice, late, in any order, or after a
 * crash in the middle: sinks pass over what they have, and an event counts as handed on when all of them have it. Each
 * message is acknowledged by itself.
 */
import type { JobContext } from '../context.ts'
import type { Happened } from './catalogue.ts'
import { type HandedOn, handOn, happenedOf, placeAttempts } from './hand-on.ts'
import {
  DEAD_LETTER_RETRIES,
  type EventMessage,
  idsOf,
  type Message,
  parseMessage,
  retryDelay,
} from './messages.ts'
import type { Sink } from './sink.ts'
import { reportLost, spill } from './spilled.ts'
import { findRecorded } from './store.ts'

/** Handles a batch of the queue `events`. Never throws for one message: the others have nothing to do with it. */
export async function consumeEvents(
  ctx: JobContext,
  sinks: readonly Sink[],
  messages: readonly Message[],
): Promise<void> {
  const read = messages.map((message) => ({ message, content: parseMessage(message.body) }))
  const contents = read.flatMap(({ content }) => content ?? [])
  const handedOn = await handOn(ctx, sinks, await collect(ctx, contents))
  for (const { message, content } of read) {
    if (content && isSettled(content, handedOn)) message.ack()
    else {
      if (!content) ctx.log('error', 'invalid event message', { message_id: message.id })
      message.retry({ delaySeconds: retryDelay(message.attempts) })
    }
  }
  const { missed, refused, followUps } = handedOn
  ctx.log(missed.size + refused.size > 0 ? 'warn' : 'info', 'events consumed', {
    messages: messages.length,
    missed: missed.size,
    refused: refused.size,
  })
  await Promise.all(followUps.map((followUp) => followUp()))
}

/** What was recorded and refused is the sweep's from here on, which counts; an attempt has no row to be counted in. */
function isSettled(content: EventMessage, { missed, refused }: HandedOn): boolean {
  if ('recorded' in content) return !content.recorded.some((id) => missed.has(id))
  return !missed.has(content.attempt.id) && !refused.has(content.attempt.id)
}

/** What the messages are about. Recorded ones are read from the outbox, and are there or were never. */
async function collect(ctx: JobContext, contents: EventMessage[]): Promise<Happened[]> {
  const ids = contents.flatMap((content) => ('recorded' in content ? content.recorded : []))
  const attempts = contents.flatMap((content) => ('attempt' in content ? [content.attempt] : []))
  const [recorded, tried] = await Promise.all([
    ids.length === 0 ? [] : findRecorded(ctx, ids),
    placeAttempts(ctx, attempts),
  ])
  return [...recorded.flatMap(happenedOf), ...tried]
}

/**
 * The dead-letter queue: one alarm line for each message, which operators alert on. What was recorded is still in the
 * outbox and goes on being swept; an attempt goes to the list that is swept too, or stays here until that takes it.
 */
export async function reportDeadEvents(ctx: JobContext, messages: readonly Message[]): Promise<void> {
  const read = messages.map((message) => ({ message, content: parseMessage(message.body) }))
  const attempts = read.flatMap(({ content }) => (content && 'attempt' in content ? [content.attempt] : []))
  const isSpilled = await spill(ctx, attempts)
  for (const { message, content } of read) {
    const attempt = content && 'attempt' in content ? content.attempt : null
    if (attempt && !isSpilled && message.attempts <= DEAD_LETTER_RETRIES) {
      message.retry({ delaySeconds: retryDelay(message.attempts) })
      continue
    }
    ctx.log('error', 'ALARM: event message failed permanently', {
      message_id: message.id,
      is_readable: content !== null,
      event_ids: content ? idsOf(content).join(' ') : undefined,
    })
    if (attempt && !isSpilled) reportLost(ctx, [attempt])
    message.ack()
  }
}
