/** A caller whose socket takes nothing more after the head of the answer, and a service that must stop reading then. */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { expect, vi } from 'vitest'
import type { Client } from './client.ts'
import type { Service } from './service.ts'

export async function startUnread(
  { url }: Pick<Service, 'url'>,
  { tenant, address }: Client,
  path: string,
  headers: Record<string, string>,
): Promise<IncomingMessage> {
  const all = { host: tenant.host, 'cf-connecting-ip': address, ...headers }
  const asked = get(new URL(path, url), { headers: all })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage] // as node:http documents it
  expect(answer.statusCode).toBe(200)
  return answer.pause()
}

/** Of 80 MB in 41 pages, more than all the buffers on the way hold. */
export async function expectHeldBack({ gates }: Pick<Service, 'gates'>, answer: IncomingMessage) {
  let seen = -1
  await vi.waitFor(
    () => {
      const isStill = gates.audit.hits() === seen
      seen = gates.audit.hits()
      expect(isStill, 'it reads no further').toBe(true)
    },
    { timeout: 30_000, interval: 2000 },
  )
  answer.destroy()
  expect(seen, 'of 41 pages').toBeLessThan(30)
}
