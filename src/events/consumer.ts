/**
 * Takes events from the queue and hands them to every sink. A message may come twice, late, in any order, or after a
 * crash in the middle: sinks pass over what they have, and an event counts as handed on when all of them have it. Each
 * message is acknowledged by itself.
 */
import type { JobContext } from '../context.ts'
import type { Happened } from './catalogue.ts'
import { handOn, happenedOf, placeAttempts } from './hand-on.ts'
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
  const undone = await handOn(ctx, sinks, await collect(ctx, contents))
  for (const { message, content } of read) {
    if (content && !idsOf(content).some((id) => undone.has(id))) message.ack()
    else {
      if (!content) ctx.log('error', 'event message not readable', { message_id: message.id })
      message.retry({ delaySeconds: retryDelay(message.attempts) })
    }
  }
  ctx.log(undone.size > 0 ? 'warn' : 'info', 'events consumed', {
    messages: messages.length,
    undone: undone.size,
  })
}

/** What the messages are about, each event once. Recorded ones are read from the outbox, and are there or were never. */
async function collect(ctx: JobContext, contents: EventMessage[]): Promise<Happened[]> {
  const ids = contents.flatMap((content) => ('recorded' in content ? content.recorded : []))
  const attempts = contents.flatMap((content) => ('attempt' in content ? [content.attempt] : []))
  const [recorded, tried] = await Promise.all([
    ids.length === 0 ? [] : findRecorded(ctx, ids),
    placeAttempts(ctx, attempts),
  ])
  return [...new Map([...recorded.flatMap(happenedOf), ...tried].map((event) => [event.id, event])).values()]
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
    ctx.log('error', 'ALARM: event message is dead', {
      message_id: message.id,
      is_readable: content !== null,
      event_ids: content ? idsOf(content).join(' ') : undefined,
    })
    if (attempt && !isSpilled) reportLost(ctx, [attempt])
    message.ack()
  }
}
