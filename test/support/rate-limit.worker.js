/** A rate-limit binding of one location: counts in memory, in windows that are aligned to the clock, as Miniflare's does. */
import { WorkerEntrypoint } from 'cloudflare:workers'

const counts = new Map()
let window = 0

export default class RateLimit extends WorkerEntrypoint {
  limit({ key }) {
    if (typeof key !== 'string') throw new TypeError(`invalid key: ${key}`)
    const { LIMIT, PERIOD } = this.env
    const now = Math.floor(Date.now() / (PERIOD * 1000))
    if (now !== window) counts.clear()
    window = now
    const count = counts.get(key) ?? 0
    if (count >= LIMIT) return { success: false }
    counts.set(key, count + 1)
    return { success: true }
  }
}
