/** What the queue `events` carries, and how a message is read: anything that is not such a message is refused. */
import * as v from 'valibot'
import { type EventClient, type EventType, isEventType } from './catalogue.ts'

/** A message of a Cloudflare Queue. */
export type Message = {
  readonly id: string
  readonly attempts: number
  readonly body: unknown
  ack(): void
  retry(options?: { delaySeconds?: number }): void
}

/** Something that was tried. The tenant is found by the host, in the consumer. */
export type Attempt = {
  id: string
  host: string
  type: EventType
  subject: string | null
  actor: string | null
  data: Record<string, unknown>
  client: EventClient
  occurred_at: string
  /** How often a sink could not take it, as the spilled list counts. */
  refusals?: number
}

/** A message of the queue `events`: ids of the outbox, which holds the rest, or an attempt as it is. */
export type EventMessage = { recorded: string[] } | { attempt: Attempt }

const Uuid = v.pipe(v.string(), v.uuid())
const Text = v.nullable(v.string())
const AttemptShape = v.object({
  id: Uuid,
  host: v.string(),
  type: v.pipe(v.string(), v.check(isEventType)),
  subject: v.nullable(Uuid),
  actor: v.nullable(Uuid),
  data: v.record(v.string(), v.unknown()),
  client: v.object({
    request_id: Text,
    address: Text,
    country: Text,
    city: Text,
    network: Text,
    user_agent: Text,
    api_key_id: v.optional(Uuid),
  }),
  occurred_at: v.pipe(v.string(), v.isoTimestamp()),
  refusals: v.optional(v.number()),
})
const MessageShape = v.union([
  v.object({ recorded: v.pipe(v.array(Uuid), v.minLength(1), v.maxLength(100)) }),
  v.object({ attempt: AttemptShape }),
])

/** A message that cannot be read is retried like any other, which ends in the dead-letter queue. */
export const parseMessage = (body: unknown): EventMessage | null =>
  v.is(MessageShape, body) ? (body as EventMessage) : null // the schema is the type, but for the closed set of `type`

export const idsOf = (content: EventMessage) =>
  'recorded' in content ? content.recorded : [content.attempt.id]

/**
 * Seconds until the next try of a message of any queue: half a minute, then twice as long each time up to half an hour.
 * The twelve of the queue `events` take three hours and a half, so that an outage of an hour loses nothing.
 */
export const retryDelay = (attempts: number) => Math.min(30 * 2 ** (attempts - 1), 1800)

/** `max_retries` of the dead-letter queue in wrangler.toml: as many as the platform allows. */
export const DEAD_LETTER_RETRIES = 100
