/**
 * The floor that operations are measured against: one hash, one database trip, one Redis trip, each alone in a Worker,
 * through the same libraries and the same code of ours that the operations use. JavaScript, because the types of
 * Workers and those of Node, which the rest of bench/ needs, cannot be in one project.
 */
import { sql } from 'drizzle-orm'
import { requireForeignHash, verifyForeignHash } from '../src/crypto/foreign-hash-verify.ts'
import { DEFAULT_COST, hashPassword, verifyPassword } from '../src/crypto/password-hash.ts'
import { countInWindows } from '../src/limits/sliding-window.ts'
import { createDatabase } from '../src/storage/postgres.ts'
import { createRedis } from '../src/storage/redis.ts'
import { createTrips } from '../src/storage/trips.ts'

const PASSWORD = 'correct horse battery'
const pepperKey = () => new Uint8Array(32)

export default {
  async fetch(request, bindings) {
    const trips = createTrips({ postgres: 20_000, redis: 10_000, request: 60_000 })
    switch (new URL(request.url).pathname) {
      case '/empty':
        return new Response('ok')
      case '/hash': {
        const random = (bytes) => crypto.getRandomValues(new Uint8Array(bytes))
        const pepper = { keyId: 'k1', key: pepperKey() }
        return new Response(hashPassword(PASSWORD, { cost: DEFAULT_COST, pepper, random }).phc)
      }
      case '/verify':
        return answer(verifyPassword(PASSWORD, await request.text(), pepperKey()))
      // The hash is of another password, so that what is expected is no.
      case '/verify-imported':
        return answer(!(await verifyForeignHash(PASSWORD, requireForeignHash(await request.text()))))
      case '/postgres': {
        const { rows } = await createDatabase(bindings.DATABASE_URL, trips).execute(sql`select 1`)
        return answer(rows.length === 1)
      }
      // A refresh's own batch once more, without our code: what PostgreSQL needs for it and nothing else.
      case '/postgres-replay': {
        const url = new URL(bindings.DATABASE_URL)
        const headers = {
          'neon-connection-string': bindings.DATABASE_URL,
          'neon-raw-text-output': 'true',
          'neon-array-mode': 'true',
        }
        const body = await request.text()
        const response = await fetch(`http://${url.host}/sql`, { method: 'POST', headers, body })
        await response.arrayBuffer()
        return answer(response.ok)
      }
      // As many limits as a refresh has.
      case '/redis-limits': {
        const limit = { rate: 1e9, seconds: 60 }
        const buckets = ['address', 'token'].map((subject) => ({ limit, key: `floor:${subject}` }))
        const refused = await countInWindows(createRedis(redisOf(bindings), trips), buckets, new Date())
        return answer(refused === null)
      }
      case '/redis':
        return answer((await createRedis(redisOf(bindings), trips).ping()) === 'PONG')
      default:
        return new Response(null, { status: 404 })
    }
  },
}

const redisOf = (bindings) => ({
  url: bindings.UPSTASH_REDIS_REST_URL,
  token: bindings.UPSTASH_REDIS_REST_TOKEN,
})

const answer = (isRight) => new Response(String(isRight), { status: isRight ? 200 : 500 })
