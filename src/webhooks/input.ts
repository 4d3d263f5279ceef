/** Fields that several webhook operations take. */
import * as v from 'valibot'
import { WEBHOOK_EVENTS } from '../events/catalogue.ts'
import { DisplayName, text, UUID } from '../http/input.ts'

/** Any text: what may be a target is for `requirePublicTarget` to say, with its reasons. */
export const TargetUrl = v.pipe(text(2048), v.minLength(1, 'too_short'))

/** Types of EVENTS.md that webhooks may have, or `["*"]`: all of them, and those that are added. */
export const SubscribedEvents = v.pipe(
  v.array(v.picklist([...WEBHOOK_EVENTS, '*'], 'unknown_event')),
  v.minLength(1, 'too_short'),
  v.maxLength(100, 'too_long'),
  v.check((events) => !events.includes('*') || events.length === 1, 'all_or_some'),
  v.transform((events) => [...new Set(events)]),
)

export const Description = v.nullable(DisplayName)

const NO_ID = '00000000-0000-0000-0000-000000000000'

/** An id in a path. What is none becomes the id that nothing has: who calls is decided before what they ask for. */
export const pathId = (given: string): string => (UUID.test(given) ? given : NO_ID)
