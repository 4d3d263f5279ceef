/** Stands where a rate-limit binding stands, and fails as one does that Cloudflare cannot serve. */
import { WorkerEntrypoint } from 'cloudflare:workers'

export default class RateLimiter extends WorkerEntrypoint {
  async limit() {
    throw new Error('internal error')
  }
}
