/** Stands where a queue's binding stands, and asks the test's own queue (test/support/queue.ts) whether it may. */
import { WorkerEntrypoint } from 'cloudflare:workers'

export default class Queue extends WorkerEntrypoint {
  async sendBatch(messages) {
    const body = JSON.stringify(Array.from(messages))
    const { status } = await fetch(this.env.QUEUE_URL, { method: 'POST', body })
    if (status !== 204) throw new Error('Queue sendBatch failed: Too Many Requests')
  }
}
