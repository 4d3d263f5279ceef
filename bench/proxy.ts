/** A proxy between a Worker and one of the local endpoints: adds the same delay to every trip, or looks at what passes. */
import http from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { LOOPBACK, serveLocally } from '../dev/local-server.ts'

export type Proxy = {
  port: number
  /** How much later each answer comes, in milliseconds. */
  setDelay(milliseconds: number): void
  stop(): Promise<void>
}

/** @param look receives each request's path and body */
export async function startProxy(
  target: number,
  look: (path: string, body: string) => void = () => {},
): Promise<Proxy> {
  const agent = new http.Agent({ keepAlive: true })
  let delay = 0
  const server = await serveLocally('proxy', 0, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    look(request.url ?? '', body.toString())
    if (delay > 0) await wait(delay)
    const { method, url, headers } = request
    const onward = http.request(
      { host: LOOPBACK, port: target, agent, method, path: url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.once('error', () => response.destroy())
    onward.end(body)
  })
  const stop = async () => {
    agent.destroy()
    await server.stop()
  }
  return {
    port: server.port,
    stop,
    setDelay: (milliseconds) => {
      delay = milliseconds
    },
  }
}
