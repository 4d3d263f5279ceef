/**
 * An HTTP proxy in front of Neon's or Upstash's endpoint that misbehaves on demand, so that a test decides what the
 * network does to one trip. Decides per request, buffers bodies, and never repeats what it forwarded.
 */
import { once } from 'node:events'
import http from 'node:http'
import type net from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { LOOPBACK } from '../../dev/local-server.ts'
import { type Answer, failureOf, refusalOf, type Upstream } from './upstream-failure.ts'

/**
 * - `open` passes everything on
 * - `refusing` resets every connection, before a request is read
 * - `hanging` takes the request and never answers
 * - `error-500` answers what the upstream answers when it fails itself; nothing is forwarded
 * - `cut` forwards, then sends the headers and half of the answer's body, and resets the connection
 * - `reset-after-commit` forwards, waits for the whole answer, and resets the connection instead of passing it on
 * - `delayMs` forwards that much later
 * - `refusal` answers as Neon's proxy does when it refuses with these words; nothing is forwarded
 */
export type FaultMode =
  | 'open'
  | 'refusing'
  | 'hanging'
  | 'error-500'
  | 'cut'
  | 'reset-after-commit'
  | { delayMs: number }
  | { refusal: string }

export type FaultOptions = {
  /** How many requests meet the fault; those after them pass. */
  times?: number
  /** Which requests meet the fault, by their body; others pass and are not counted. */
  when?: (body: string) => boolean
}

export type FaultProxy = {
  port: number
  /** From now on. Existing connections end, whatever happens on them. */
  set(mode: FaultMode, options?: FaultOptions): void
  /** Requests that met the mode since it was set: a fault that met no one proves nothing. */
  hits(): number
  stop(): Promise<void>
}

/** @param endpoint without `handle`, what passes goes over its port */
export async function startFaultProxy(
  upstream: Upstream,
  { port, handle }: { port: number; handle?: http.RequestListener },
): Promise<FaultProxy> {
  const agent = new http.Agent({ keepAlive: true })
  const forward = forwardTo(agent, port)
  const connections = createConnections()
  let rule = createRule('open')
  const server = http.createServer(async (request, response) => {
    response.on('error', () => {}) // written to after we cut it
    if (handle && rule.passesUnread()) return handle(request, response)
    const body = await readAll(request).catch(() => null)
    if (body === null || request.socket.destroyed) return // cut, so it must not meet the mode that came after
    const exchange = { upstream, request, response, gone: watchCaller(response) }
    // Outside the catch, because a `when` that throws is the test's mistake and must be seen.
    const mode = rule.modeFor(body)
    await behave(mode, exchange, body, forward).catch(() => reset(request.socket)) // upstream or caller is gone
  })
  server.keepAliveTimeout = 60_000 // longer than any caller keeps an idle connection, or it would write to a closed one
  server.on('connection', (socket) => {
    connections.keep(socket)
    if (rule.refusesConnection()) reset(socket)
  })
  await once(server.listen(0, LOOPBACK), 'listening')
  return {
    port: (server.address() as net.AddressInfo).port, // listening on TCP, so neither a path nor null
    set: (mode, options) => {
      rule = createRule(mode, options)
      connections.cut()
    },
    hits: () => rule.hits(),
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      connections.cut()
      await closed
      agent.destroy()
    },
  }
}

function createConnections() {
  const sockets = new Set<net.Socket>()
  return {
    keep: (socket: net.Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => socket.destroy()) // the other side of a connection that we cut
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

function createRule(mode: FaultMode, { times = Number.POSITIVE_INFINITY, when }: FaultOptions = {}) {
  let hits = 0
  return {
    hits: () => hits,
    /** Claims one of `times`, at once: of requests in parallel no more than those meet the fault. */
    modeFor: (body: Buffer): FaultMode => {
      if (hits >= times || when?.(body.toString()) === false) return 'open'
      hits++
      return mode
    },
    /** An open gate that looks at no request needs no copy of it. */
    passesUnread: () => {
      const passes = mode === 'open' && when === undefined && times === Number.POSITIVE_INFINITY
      if (passes) hits++
      return passes
    },
    /** Only a rule that looks at no request can refuse before there is one. */
    refusesConnection: () => {
      const refuses = mode === 'refusing' && when === undefined && times === Number.POSITIVE_INFINITY
      if (refuses) hits++
      return refuses
    },
  }
}

type Exchange = {
  upstream: Upstream
  request: http.IncomingMessage
  response: http.ServerResponse
  gone: AbortSignal
}

async function behave(mode: FaultMode, exchange: Exchange, body: Buffer, forward: Forward): Promise<void> {
  const { upstream, request, response } = exchange
  switch (mode) {
    case 'open':
      return send(response, await forward(exchange, body))
    case 'refusing':
      return reset(request.socket)
    case 'hanging':
      return
    case 'error-500':
      return send(response, failureOf(upstream, request.headers, body.toString()))
    case 'cut':
      return sendHalf(response, await forward(exchange, body))
    case 'reset-after-commit':
      await forward(exchange, body)
      return reset(request.socket)
    default:
      if ('refusal' in mode) return send(response, refusalOf(mode.refusal, request.headers, body.toString()))
      await wait(mode.delayMs, undefined, { signal: exchange.gone })
      return send(response, await forward(exchange, body))
  }
}

type Forward = (exchange: Exchange, body: Buffer) => Promise<Answer>

/** A caller who leaves takes the forwarded request along, because Neon cancels what a disconnected caller had started. */
function forwardTo(agent: http.Agent, port: number): Forward {
  return async ({ request: { method, url, headers }, gone }, body) => {
    const onward = http.request({
      host: LOOPBACK,
      port,
      agent,
      method,
      path: url,
      headers: { ...endToEnd(headers), 'content-length': body.length },
      signal: gone,
    })
    onward.on('error', () => {}) // after the answer has begun; before, `answered` rejects
    const answered = once(onward, 'response') as Promise<[http.IncomingMessage]> // as node:http documents it
    onward.end(body)
    const [answer] = await answered
    const bytes = await readAll(answer)
    return { status: answer.statusCode ?? 502, headers: endToEnd(answer.headers), body: bytes }
  }
}

/** Aborts when the connection ends before the answer is out. */
function watchCaller(response: http.ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  return gone.signal
}

function send(response: http.ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'content-length': body.length }).end(body)
}

function sendHalf(response: http.ServerResponse, { status, headers, body }: Answer): void {
  const announced = Math.max(body.length, 1) // or an empty body would arrive whole
  response.writeHead(status, { ...headers, 'content-length': announced }).flushHeaders()
  const half = body.subarray(0, Math.floor(body.length / 2))
  response.write(half, () => response.socket && reset(response.socket))
}

/** RST instead of FIN: what was not sent yet is dropped, and the other side gets an error. */
function reset(socket: net.Socket): void {
  if (!socket.destroyed) socket.resetAndDestroy()
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding']

/** Without what describes one connection; bodies are whole here, so they leave with their length. */
function endToEnd(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)))
}

async function readAll(message: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}
