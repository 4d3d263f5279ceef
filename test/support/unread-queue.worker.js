/** A queue's binding whose messages no one reads; it takes no more at a time than Cloudflare's. */
import { WorkerEntrypoint } from 'cloudflare:workers'

export default class Queue extends WorkerEntrypoint {
  async sendBatch(messages) {
    const sent = Array.from(messages)
    if (sent.length > 100 || JSON.stringify(sent).length > 256_000)
      throw new Error('Queue sendBatch failed: Payload Too Large')
  }
}
