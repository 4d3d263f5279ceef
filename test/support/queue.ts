/** A queue that a test can read, and that refuses when it is told to, as Cloudflare's does at 5,000 messages a second. */
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'

/** What Cloudflare takes at a time (PLATFORM.md §4). */
const MAX_MESSAGES = 100
const MAX_BYTES = 256_000

export type FakeQueue = {
  url: string
  /** The bodies that it took, oldest first. */
  sent(): unknown[]
  /** How long each of them is to wait, in seconds. */
  delays(): number[]
  /** Empties it. @returns what it held */
  take(): unknown[]
  refuse(isRefusing: boolean): void
  stop(): Promise<void>
}

type Sent = { body: unknown; delaySeconds?: number }

export async function startFakeQueue(): Promise<FakeQueue> {
  const held: Sent[] = []
  let isRefusing = false
  const server = http.createServer(async (request, response) => {
    const messages = (await json(request)) as Sent[] // queue.worker.js sends nothing else
    const isTooMuch =
      messages.length === 0 || messages.length > MAX_MESSAGES || JSON.stringify(messages).length > MAX_BYTES
    if (!isRefusing && !isTooMuch) held.push(...messages)
    response.writeHead(isRefusing || isTooMuch ? 429 : 204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // a TCP server's address is one
    sent: () => held.map(({ body }) => body),
    delays: () => held.map(({ delaySeconds = 0 }) => delaySeconds),
    take: () => held.splice(0).map(({ body }) => body),
    refuse: (value) => {
      isRefusing = value
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
