/** In place of the queue's binding: accepts everything, so that a request pays only for the call. */
import { WorkerEntrypoint } from 'cloudflare:workers'

export default class Queue extends WorkerEntrypoint {
  async sendBatch() {}
}
