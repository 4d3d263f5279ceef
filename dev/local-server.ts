/**
 * HTTP listeners and TCP ports of the local stack. Everything here binds 127.0.0.1 and nothing else, because
 * neither the databases nor their endpoints are meant to be reached from another machine.
 */
import http from 'node:http'
import net from 'node:net'

export const LOOPBACK = '127.0.0.1'

/** Bodies larger than this are cut off; Neon's own limit is 10 MiB, Upstash's is smaller. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

export type LocalServer = {
  port: number
  /** What answers a request, for a caller inside this process that has one in its hands already. */
  handle: http.RequestListener
  stop(): Promise<void>
}

/** @returns a TCP port that was free a moment ago; the caller must handle a lost race */
export async function freePort(): Promise<number> {
  const server = net.createServer()
  const port = await bind(server, 0)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** @returns whether the port can be bound right now; throws whatever is not "in use" or "not allowed" */
export async function isPortFree(port: number): Promise<boolean> {
  const server = net.createServer()
  try {
    await bind(server, port)
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) return false
    throw error
  }
  await new Promise((resolve) => server.close(resolve))
  return true
}

/** Serves HTTP on 127.0.0.1. `name` is only for the error that says the port is taken. */
export async function serveLocally(
  name: string,
  port: number,
  handle: http.RequestListener,
): Promise<LocalServer> {
  const server = http.createServer(handle)
  server.keepAliveTimeout = 60_000
  const bound = await bind(server, port).catch((error: unknown) => {
    throw hasCode(error, 'EADDRINUSE') ? portTaken(name, port, error) : error
  })
  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  return { port: bound, handle, stop }
}

export function portTaken(name: string, port: number, cause?: unknown): Error {
  return new Error(
    `${name}: port ${port} on ${LOOPBACK} is taken by another process; free it or choose another port`,
    { cause },
  )
}

/** @returns the request's body as text, or null when it is larger than the limit */
export async function readBody(request: http.IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Answers with JSON, unless the client is gone. */
export function sendJson(
  response: http.ServerResponse,
  status: number,
  body: unknown,
  headers: http.OutgoingHttpHeaders = {},
) {
  if (response.destroyed || response.writableEnded) return
  const text = JSON.stringify(body)
  const length = Buffer.byteLength(text)
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers })
    .end(text)
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function bind(server: net.Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
