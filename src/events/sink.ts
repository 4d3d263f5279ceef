/** What takes events: the audit log, mail, webhooks. Sinks do not know of each other, and one that fails delays no other. */
import type { JobContext } from '../context.ts'
import type { Happened } from './catalogue.ts'

/** What a sink does about what it has taken, once that is settled. Its failing changes nothing. */
export type FollowUp = () => Promise<void>

export type Sink = {
  name: 'audit' | 'mail' | 'webhooks'
  /**
   * Takes events, of any tenants, in any order, and any of them any number of times: what was taken before is passed over.
   * Returns once all of them are durable; throws when some may not be, and is then given them all again. A fault other
   * than `internal_error` says that something is down, and of no event that it cannot be taken.
   */
  take(ctx: JobContext, events: readonly Happened[]): Promise<FollowUp | null>
}
