/** The events about an account, as the outbox has them. */
import type { EventType } from '../../src/events/catalogue.ts'
import type { Backend } from './service.ts'

export type Recorded = { actor: string | null; data: Record<string, unknown> }

export const recordedOf = ({ sql }: Pick<Backend, 'sql'>, userId: string, type: EventType) =>
  sql<Recorded>('select actor, data from events where subject = $1 and type = $2 order by id', [userId, type])
