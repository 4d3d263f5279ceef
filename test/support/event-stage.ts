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

export type Stage = {
  service: Service
  queue: FakeQueue
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
