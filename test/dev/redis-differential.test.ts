/**
 * The engine in this process against a genuine redis-server: the same random commands, the same answers. Trusts
 * redis-server 7.0; without one on the machine nothing here runs. REDIS_FUZZ_SEED and REDIS_FUZZ_COMMANDS repeat a run.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRedisEngine, type RedisEngine } from '../../dev/redis/engine.ts'
import type { Reply } from '../../dev/redis/reply.ts'
import { connectRedisServer, type RedisServerClient } from '../../dev/redis/server-client.ts'
import { findRedisServer, type RedisServer, startRedisServer } from '../../dev/redis-server.ts'
import { createRandom } from './random.ts'
import { createRandomCommands } from './redis-commands.ts'
import { alike, canonical, perform, type Step } from './redis-comparison.ts'

const SEED = Number(process.env.REDIS_FUZZ_SEED ?? 20_261_120)
const COMMANDS = Number(process.env.REDIS_FUZZ_COMMANDS ?? 120_000)
const CHUNK = 500

describe.skipIf(findRedisServer() === null)('the engine and a genuine redis-server', () => {
  let server: RedisServer | null
  let genuine: RedisServerClient
  let engine: RedisEngine

  beforeAll(async () => {
    server = await startRedisServer()
    if (server === null) throw new Error('no redis-server')
    genuine = await connectRedisServer(server.url)
    engine = await createRedisEngine()
  })
  afterAll(async () => {
    await genuine?.close()
    await server?.stop()
  })

  const flushBoth = () => Promise.all([genuine.exec(['FLUSHALL']), engine.exec(['FLUSHALL'])])

  test(`answer ${COMMANDS} random commands alike`, { timeout: 120_000 }, async () => {
    await flushBoth()
    const random = createRandom(SEED)
    const commands = createRandomCommands(random)
    const steps = (): Step =>
      random.chance(0.05) ? { transaction: commands.transaction() } : { command: commands.command() }
    const differences: string[] = []
    for (let done = 0; done < COMMANDS && differences.length === 0; done += CHUNK) {
      const chunk = Array.from({ length: CHUNK }, steps)
      // All of a chunk is under way at once: the server answers one connection in order.
      const [theirs, ours] = await Promise.all([
        Promise.all(chunk.map((step) => perform(genuine, step))),
        Promise.all(chunk.map((step) => perform(engine, step))),
      ])
      const differs = chunk.findIndex(
        (step, index) => !alike(step, ours[index] ?? null, theirs[index] ?? null),
      )
      if (differs >= 0)
        differences.push(report(done + differs, chunk[differs], ours[differs], theirs[differs]))
    }
    expect(differences, `seed ${SEED}`).toEqual([])
  })
})

function report(position: number, step: Step | undefined, ours?: Reply, theirs?: Reply): string {
  const shown = (reply: Reply | undefined) => canonical('', reply ?? null)
  return `command ${position} of seed ${SEED}: ${JSON.stringify(step)}\n  ours   ${shown(ours)}\n  theirs ${shown(theirs)}`
}
