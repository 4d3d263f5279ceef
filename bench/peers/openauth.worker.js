/** openauth on Workers with its password provider; what it stores is in Redis over HTTP. It counts no limits and keeps no session to check. */
import { issuer } from '@openauthjs/openauth'
import { PasswordProvider } from '@openauthjs/openauth/provider/password'
import { joinKey, splitKey } from '@openauthjs/openauth/storage/storage'
import { Redis } from '@upstash/redis'

function redisStorage({ UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token }) {
  const redis = new Redis({ url, token, enableTelemetry: false })
  return {
    get: async (key) => (await redis.get(joinKey(key))) ?? undefined,
    remove: async (key) => {
      await redis.del(joinKey(key))
    },
    // What it scans for when it starts, its keys, is named in a set beside.
    set: async (key, value, expiry) => {
      const options = expiry && { px: Math.max(1, expiry.getTime() - Date.now()) }
      await redis.set(joinKey(key), JSON.stringify(value), options)
      if (/^(signing|encryption|oauth):key/.test(key[0])) await redis.zincrby('kept', 1, joinKey(key))
    },
    async *scan(prefix) {
      const kept = await redis.zrange('kept', 0, -1)
      for (const key of kept.filter((one) => one.startsWith(joinKey(prefix))))
        yield [splitKey(key), await redis.get(key)]
    },
  }
}

const page = async () => new Response('a page', { status: 401 })
const subjects = {
  user: { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } },
}

// It keeps its keys for as long as it lives, and is meant to live as long as its isolate.
let app
export default {
  fetch(request, bindings, ctx) {
    app ??= issuer({
      subjects,
      storage: redisStorage(bindings),
      providers: {
        password: PasswordProvider({ login: page, register: page, change: page, sendCode: async () => {} }),
      },
      success: async (answer, { email }) => answer.subject('user', { email }),
    })
    return app.fetch(request, bindings, ctx)
  },
}
