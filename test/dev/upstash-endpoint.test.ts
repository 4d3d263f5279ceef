/**
 * Upstash's protocol as its own clients speak it, against the endpoint over the engine in this process and, where the
 * machine has one, over a genuine redis-server. Only the engine's clock can be moved, so tests of passing time are its own.
 */
import { Redis, type RedisConfigNodejs } from '@upstash/redis'
import { Redis as CloudflareRedis } from '@upstash/redis/cloudflare'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createRedisEngine } from '../../dev/redis/engine.ts'
import type { RedisConnection } from '../../dev/redis/reply.ts'
import { connectRedisServer } from '../../dev/redis/server-client.ts'
import { findRedisServer, startRedisServer } from '../../dev/redis-server.ts'
import { startUpstashEndpoint, type UpstashEndpoint } from '../../dev/upstash-endpoint.ts'

const TOKEN = 'a-token'

type Backend = { engine: RedisConnection; stop(): Promise<void> }

const inProcess = async (): Promise<Backend> => ({ engine: await createRedisEngine(), stop: async () => {} })

async function genuineServer(): Promise<Backend> {
  const server = await startRedisServer()
  if (server === null) throw new Error('no redis-server')
  const engine = await connectRedisServer(server.url)
  const stop = async () => {
    await engine.close()
    await server.stop()
  }
  return { engine, stop }
}

const backends: [string, () => Promise<Backend>][] = [['the engine in this process', inProcess]]
if (findRedisServer() !== null) backends.push(['a genuine redis-server', genuineServer])

describe.each(backends)('over %s', (_, start) => {
  let backend: Backend
  let endpoint: UpstashEndpoint
  let redis: Redis

  const connect = (options: Partial<RedisConfigNodejs> = {}) =>
    new Redis({ url: endpoint.url, token: TOKEN, enableTelemetry: false, ...options })
  const connectMany = (count: number) =>
    Array.from({ length: count }, () => connect({ enableAutoPipelining: false }))

  beforeAll(async () => {
    backend = await start()
    endpoint = await startUpstashEndpoint({ engine: backend.engine, token: TOKEN })
    redis = connect()
  })
  afterAll(async () => {
    await endpoint?.stop()
    await backend?.stop()
  })
  beforeEach(async () => {
    await backend.engine.exec(['FLUSHALL'])
  })

  describe('the client', () => {
    test('sets a key only once while it lives', async () => {
      expect(await redis.set('a', 'v', { nx: true, ex: 10 })).toBe('OK')
      expect(await redis.set('a', 'w', { nx: true, ex: 10 })).toBeNull()
      expect(await redis.get('a')).toBe('v')
      expect(await redis.ttl('a')).toBe(10)
    })

    test('gets back what it stored, whatever the bytes', async () => {
      const value = { x: [1, 'é✓'], y: null }
      expect(await redis.set('é', value, { px: 60_000 })).toBe('OK')
      expect(await redis.get('é')).toEqual(value)
      expect(await redis.keys('*')).toEqual(['é'])
      for (const text of ['OK', 'abcd', '', 'T0s=']) {
        expect(await redis.set('text', text)).toBe('OK')
        expect(await redis.get('text')).toBe(text)
      }
      expect(await redis.mget('text', 'nope')).toEqual(['T0s=', null])
    })

    test('takes a value out once', async () => {
      await redis.set('once', 'x')
      expect(await redis.getdel('once')).toBe('x')
      expect(await redis.getdel('once')).toBeNull()
    })

    test('keeps counters, lists and sorted sets', async () => {
      expect(await redis.incr('n')).toBe(1)
      expect(await redis.expire('n', 100)).toBe(1)
      expect(await redis.rpush('l', 'a', 'b', 'c')).toBe(3)
      expect(await redis.ltrim('l', -2, -1)).toBe('OK')
      expect(await redis.llen('l')).toBe(2)
      expect(await redis.lrange('l', 0, -1)).toEqual(['b', 'c'])
      expect(await redis.zincrby('z', 1.5, 'm')).toBe(1.5)
      expect(await redis.zrange('z', 0, -1, { withScores: true })).toEqual(['m', 1.5])
    })

    test('runs scripts by text and by SHA', async () => {
      const nested = await redis.eval('return {KEYS[1],ARGV[1],{1,{"deep"}}}', ['k'], ['a'])
      expect(nested).toEqual(['k', 'a', [1, ['deep']]])
      const sha = await redis.scriptLoad('return ARGV[1]')
      expect(await redis.evalsha(sha, [], ['hello'])).toBe('hello')
      expect(await redis.scriptExists(sha, '00')).toEqual([1, 0])
      await expect(redis.evalsha('f'.repeat(40), [], [])).rejects.toThrow('NOSCRIPT')
    })

    test("runs scripts with Upstash's own flag, known by the SHA of the original", async () => {
      const script = '#!lua flags=allow-key-locking\nreturn {redis.call("INCR", KEYS[1]), "é"}'
      const sha = await redis.scriptLoad(script)
      expect(sha).toBe(await sha1Hex(script))
      expect(await redis.scriptExists(sha)).toEqual([1])
      expect(await redis.evalsha(sha, ['n'], [])).toEqual([1, 'é'])
      expect(await redis.eval(script, ['n'], [])).toEqual([2, 'é'])
      expect(await redis.multi().eval(script, ['n'], []).exec()).toEqual([[3, 'é']])
    })

    test('sends a pipeline, in which one error does not stop the rest', async () => {
      expect(await redis.pipeline().set('p', 1).get('p').incr('p').exec()).toEqual(['OK', 1, 2])
      const replies = await redis.pipeline().rpush('p', 'x').get('p').exec({ keepErrors: true })
      expect(replies[0]?.error).toMatch('WRONGTYPE')
      expect(replies[1]?.result).toBe(2)
    })

    test('sends a transaction, which an unknown command discards whole', async () => {
      expect(await redis.multi().set('m', 'x').get('m').del('m').exec()).toEqual(['OK', 'x', 1])
      const response = await post('/multi-exec', [['SET', 'm', 'x'], ['NOPE']])
      expect(response.status).toBe(400)
      expect(await response.json()).toEqual({ error: expect.stringContaining('EXECABORT') })
      expect(await redis.exists('m')).toBe(0)
    })

    test('pipelines by itself what is sent in one tick', async () => {
      const cloudflare = new CloudflareRedis({ url: endpoint.url, token: TOKEN })
      await cloudflare.set('q', '1')
      const before = endpoint.trips()
      expect(await Promise.all([cloudflare.incr('q'), cloudflare.incr('q'), cloudflare.incr('q')])).toEqual([
        2, 3, 4,
      ])
      expect(endpoint.trips() - before).toBe(1)
    })

    test('that races fifty others for one key is the only winner', async () => {
      const clients = connectMany(50)
      const claims = await Promise.all(
        clients.map((client, i) => client.set('lock', i, { nx: true, ex: 50 })),
      )
      expect(claims.filter((claim) => claim === 'OK')).toHaveLength(1)
      await redis.set('once', 'x')
      const taken = await Promise.all(clients.map((client) => client.getdel('once')))
      expect(taken.filter((value) => value !== null)).toEqual(['x'])
    })
  })

  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${endpoint.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })

  describe('the endpoint', () => {
    test.each(['Bearer wrong', `Bearer ${TOKEN} `, TOKEN, ''])(
      'refuses the authorization "%s"',
      async (authorization) => {
        const response = await post('/', ['SET', 'a', '1'], { authorization })
        expect(response.status).toBe(authorization === `Bearer ${TOKEN} ` ? 200 : 401) // HTTP trims header values
        await expect(connect({ token: 'bad', retry: false }).get('x')).rejects.toThrow('WRONGPASS')
      },
    )

    test('answers plain text to a client that does not ask for base64', async () => {
      expect(await (await post('/', ['PING', 'é'])).json()).toEqual({ result: 'é' })
      const encoded = await post('/', ['PING', 'é'], { 'upstash-encoding': 'base64' })
      expect(await encoded.json()).toEqual({ result: 'w6k=' })
    })

    test('keeps bytes that are no UTF-8', async () => {
      const command = ['EVAL', 'return "\\0\\255"', 0]
      const response = await post('/', command, { 'upstash-encoding': 'base64' })
      expect(await response.json()).toEqual({ result: Buffer.from([0, 255]).toString('base64') })
    })

    test.each([
      ['/', '{', 400],
      ['/', '[]', 400],
      ['/', '["NOPE"]', 400],
      ['/', '["SUBSCRIBE","c"]', 400],
      ['/', '["MULTI"]', 400],
      ['/pipeline', '[["GET","a"],[]]', 400],
      ['/elsewhere', '["GET","a"]', 404],
    ])('answers POST %s %s with %i', async (path, body, status) => {
      const response = await post(path, body)
      expect(response.status).toBe(status)
      expect(await response.json()).toEqual({ error: expect.stringMatching(/^[A-Z]+ /) })
    })
  })
})

describe('over the engine in this process, as its clock moves', () => {
  const start = Date.UTC(2026, 10, 21)
  let endpoint: UpstashEndpoint
  let redis: Redis

  beforeEach(async () => {
    vi.useFakeTimers({ now: start, toFake: ['Date'] }) // the limiter reads the same clock
    endpoint = await startUpstashEndpoint({
      engine: await createRedisEngine({ now: Date.now }),
      token: TOKEN,
    })
    redis = new Redis({ url: endpoint.url, token: TOKEN })
    return async () => {
      await endpoint.stop()
      vi.useRealTimers()
    }
  })
  const pass = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds)

  test('a key is gone the millisecond that it expires', async () => {
    await redis.set('a', '1', { px: 60 })
    pass(59)
    expect(await redis.get('a')).toBe(1)
    expect(await redis.pttl('a')).toBe(1)
    pass(1)
    expect(await redis.get('a')).toBeNull()
    expect(await redis.dbsize()).toBe(0)
  })
})

async function sha1Hex(text: string): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(text))).toString('hex')
}
