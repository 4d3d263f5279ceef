/** Stands where the queue's binding stands, and takes everything: what a request pays for it is the call. */
import { WorkerEntrypoint } from 'cloudflare:workers'

export default class Queue extends WorkerEntrypoint {
  async sendBatch() {}
}
