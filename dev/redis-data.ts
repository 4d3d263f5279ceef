/** The Redis of a development run: a genuine server when REDIS_URL names one, else the engine with its data in a file. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { isLoopback } from '../src/environments.ts'
import { createRedisEngine } from './redis/engine.ts'
import type { RedisConnection } from './redis/reply.ts'
import { connectRedisServer } from './redis/server-client.ts'

export type RedisData = { engine: RedisConnection; close(): Promise<void> }

/**
 * @param file where the engine's data is kept between runs; unused with a server, which keeps its own
 * @throws when the server is on another machine
 */
export async function openRedis(file: string, serverUrl: string | undefined): Promise<RedisData> {
  if (serverUrl) {
    // Shells export REDIS_URL for deployments; this stack writes to what it is given.
    if (!isLoopback(URL.parse(serverUrl)?.hostname ?? ''))
      throw new Error('REDIS_URL is not on this machine; unset it, or set it to a local redis-server')
    const server = await connectRedisServer(serverUrl)
    return { engine: server, close: () => server.close() }
  }
  const engine = await createRedisEngine()
  const kept = await readFile(file, 'utf8').catch(() => null) // no file yet: an empty Redis
  if (kept !== null) engine.restore(kept)
  const close = async () => {
    await writeFile(`${file}.new`, engine.snapshot())
    await rename(`${file}.new`, file)
  }
  return { engine, close }
}
