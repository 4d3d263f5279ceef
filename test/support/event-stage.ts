/** A service whose queue a test holds in its hands, and the audit log as its tables have it. */
import { afterAll, beforeAll } from 'vitest'
import { type FakeQueue, startFakeQueue } from './queue.ts'
import { type Service, type ServiceOptions, startService, type TestTenant } from './service.ts'

export type AuditEvent = {
  id: string
  type: string
  actor: string | null
  subject: string | null
  session_ids: string[]
  data: Record<string, unknown>
  personal: string | null
  network: string | null
}

/** EventMessage (src/events/messages.ts), as JSON has it. */
export type Message = {
  recorded?: string[]
  attempt?: { host: string; type: string; data: Record<string, unknown>; subject: string | null }
}

export type Stage = {
  service: Service
  queue: FakeQueue
  /** What the queue holds about a tenant: a message is sent after the answer, so one of a test before may come late. */
  messagesOf(tenant: TestTenant): Promise<Message[]>
  /** Delivers what the queue holds, then what only the outbox holds. */
  settle(): Promise<void>
  /** The tenant's rows, oldest first. */
  audited(tenant: TestTenant): Promise<AuditEvent[]>
}

export function useStage(options: Omit<ServiceOptions, 'beside' | 'queueUrl'> = {}): () => Stage {
  let stage: Stage | undefined
  beforeAll(async () => {
    const queue = await startFakeQueue()
    const service = await startService({ ...options, queueUrl: queue.url })
    stage = {
      service,
      queue,
      messagesOf: async ({ id, host }) => {
        const rows = await service.sql<{ id: string }>('select id from events where tenant_id = $1', [id])
        const ids = new Set(rows.map((row) => row.id))
        const messages = queue.sent() as Message[]
        return messages.filter(
          ({ attempt, recorded }) => attempt?.host === host || recorded?.some((event) => ids.has(event)),
        )
      },
      settle: async () => {
        const bodies = queue.take()
        if (bodies.length > 0) await service.queue('latchkey-events', bodies)
        await service.consume()
      },
      audited: ({ id }) =>
        service.sql<AuditEvent>(
          `select id, type, actor, subject, session_ids, data, personal, network::text
           from audit_events where tenant_id = $1 order by sequence`,
          [id],
        ),
    }
  })
  afterAll(async () => {
    await stage?.service.stop()
    await stage?.queue.stop()
  })
  return () => {
    if (!stage) throw new Error('the stage is not set yet')
    return stage
  }
}

/** As if everything in the outbox had been committed two minutes ago: what the sweep looks for. */
export const ageOutbox = ({ sql }: Pick<Service, 'sql'>) =>
  sql(`update events set created_at = created_at - interval '2 minutes' where dispatched_at is null`)
