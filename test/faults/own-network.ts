/**
 * What wrangler's test harness does not offer, taken from the one method that all of its configuration passes through.
 * 1. Workerd reaches the network itself, as in production: the harness would send every `fetch` of a Worker through Node,
 *    where a reset connection becomes an HTTP 500, half an answer becomes one that never ends, and a caller who leaves is
 *    not noticed.
 * 2. Queues have producers and no consumers: a test hands messages to the consumer itself, when and as often as it
 *    wants, and no batch arrives while another test counts trips.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { unstable_DevEnv as DevEnv } from 'wrangler'

type Environment = InstanceType<typeof DevEnv>

const starting = new AsyncLocalStorage<Set<Environment>>()

const { dispatch } = DevEnv.prototype
DevEnv.prototype.dispatch = function (event) {
  starting.getStore()?.add(this)
  if (event.type === 'configUpdate') {
    delete event.config.dev.outboundService
    event.config.triggers = event.config.triggers?.filter(
      ({ type }: { type: string }) => type !== 'queue-consumer',
    )
  }
  dispatch.call(this, event)
}

/** A message as the platform hands it over. */
export type QueueMessage = { id: string; timestamp: Date; attempts: number; body: unknown }

/** What the consumer decided, message by message. */
export type QueueOutcome = {
  outcome: string
  ackAll: boolean
  retryBatch: { retry: boolean }
  explicitAcks: string[]
  retryMessages: { msgId: string; delaySeconds?: number }[]
}

/** Gives a Worker a batch of a queue, in workerd, past the queue itself. */
export type QueueDispatcher = (
  worker: string | undefined,
  queue: string,
  messages: QueueMessage[],
) => Promise<QueueOutcome>

/** Starts a harness. @returns what its start returns, and the way to its queue handlers */
export async function startWithQueues<Started>(
  start: () => Promise<Started>,
): Promise<{ started: Started; dispatchQueue: QueueDispatcher }> {
  const environments = new Set<Environment>()
  const started = await starting.run(environments, start)
  const [environment] = environments
  return {
    started,
    dispatchQueue: async (worker, queue, messages) => {
      // Wrangler keeps its Miniflare to itself; every Worker of a harness runs in the one of the first.
      const [runtime] = (environment as unknown as { runtimes: { mf: Miniflare }[] }).runtimes
      if (!runtime) throw new Error('the harness has no runtime')
      const fetcher = await runtime.mf.getWorker(worker)
      return fetcher.queue(queue, messages)
    },
  }
}

type Miniflare = {
  getWorker(name?: string): Promise<{ queue(queue: string, messages: QueueMessage[]): Promise<QueueOutcome> }>
}
