/** Fields that several webhook operations take. */
import * as v from 'valibot'
import { WEBHOOK_EVENTS } from '../events/catalogue.ts'
import { DisplayName, text } from '../http/input.ts'

/** Any text: what may be a target is for `requirePublicTarget` to say, with its reasons. */
export const TargetUrl = v.pipe(text(2048), v.minLength(1, 'too_short'))

/** Types of docs/events.md that webhooks may have, or `["*"]`: all of them, and those that are added. */
export const SubscribedEvents = v.pipe(
  v.array(v.picklist([...WEBHOOK_EVENTS, '*'], 'unknown_event')),
  v.minLength(1, 'too_short'),
  v.maxLength(100, 'too_long'),
  v.check((events) => !events.includes('*') || events.length === 1, 'all_or_some'),
  v.transform((events) => [...new Set(events)]),
)

export const Description = v.nullable(DisplayName)
