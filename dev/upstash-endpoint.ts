/**
 * Upstash's REST protocol, the part that @upstash/redis uses, in front of either Redis engine. Refuses every request
 * without the token. Not served: commands in the URL, subscriptions, and whatever needs a connection of one's own.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type LocalServer, readBody, sendJson, serveLocally } from './local-server.ts'
import { bytes, isStatus, type RedisConnection, RedisError, type Reply, text } from './redis/reply.ts'
import { withUpstashScripts } from './redis/upstash-scripts.ts'

export type UpstashEndpointOptions = {
  engine: RedisConnection
  token: string
  port?: number | undefined
}

export type UpstashEndpoint = LocalServer & {
  url: string
  /** Requests so far, refused ones included: what a Worker would have paid for in round trips. */
  trips(): number
}

type Answer = { status: number; body: unknown }

export async function startUpstashEndpoint(options: UpstashEndpointOptions): Promise<UpstashEndpoint> {
  const { token, port = 0 } = options
  const engine = withUpstashScripts(options.engine)
  let trips = 0
  const server = await serveLocally('upstash endpoint', port, async (request, response) => {
    const trip = ++trips
    const answer = await answerRequest(request, engine, token).catch((error: unknown) => ({
      status: 500,
      body: { error: `ERR internal: ${error instanceof Error ? error.message : String(error)}` },
    }))
    sendJson(response, answer.status, answer.body, { 'upstash-sync-token': String(trip) })
  })
  return { ...server, url: `http://127.0.0.1:${server.port}`, trips: () => trips }
}

async function answerRequest(
  request: IncomingMessage,
  engine: RedisConnection,
  token: string,
): Promise<Answer> {
  if (!sameSecret(request.headers.authorization ?? '', `Bearer ${token}`)) {
    return refusal(401, 'WRONGPASS invalid or missing auth token')
  }
  if (request.method !== 'POST') return refusal(405, 'ERR method not allowed')
  const body = parseJson(await readBody(request))
  const encode = request.headers['upstash-encoding'] === 'base64' ? toBase64 : toText
  switch (request.url?.split('?')[0]?.replace(/\/+$/, '')) {
    case '':
      return answerCommand(engine, body, encode)
    case '/pipeline':
      return answerPipeline(engine, body, encode)
    case '/multi-exec':
      return answerTransaction(engine, body, encode)
    default:
      return refusal(404, 'ERR unknown path')
  }
}

async function answerCommand(engine: RedisConnection, body: unknown, encode: Encode): Promise<Answer> {
  const command = parseCommand(body)
  if (command === null) return refusal(400, 'ERR empty command')
  const reply = await outcome(engine.exec(command, 'bytes'))
  return { status: reply instanceof RedisError ? 400 : 200, body: encodeReply(reply, encode) }
}

/** Not a transaction: others may come in between, and one failing command does not stop the rest. */
async function answerPipeline(engine: RedisConnection, body: unknown, encode: Encode): Promise<Answer> {
  const commands = parseCommands(body)
  if (commands === null) return refusal(400, 'ERR empty pipeline request')
  const replies = await Promise.all(commands.map((command) => outcome(engine.exec(command, 'bytes'))))
  return { status: 200, body: replies.map((reply) => encodeReply(reply, encode)) }
}

async function answerTransaction(engine: RedisConnection, body: unknown, encode: Encode): Promise<Answer> {
  const commands = parseCommands(body)
  if (commands === null) return refusal(400, 'ERR empty pipeline request')
  const replies = await outcome(engine.multi(commands, 'bytes'))
  if (!Array.isArray(replies)) return { status: 400, body: encodeReply(replies, encode) }
  return { status: 200, body: replies.map((reply) => encodeReply(reply, encode)) }
}

async function outcome(running: Promise<Reply>): Promise<Reply> {
  try {
    return await running
  } catch (error) {
    if (error instanceof RedisError) return error
    throw error
  }
}

type Encode = (byteString: string) => string
const toBase64: Encode = (byteString) => Buffer.from(byteString, 'latin1').toString('base64')
const toText: Encode = text

function encodeReply(reply: Reply, encode: Encode): { result: unknown } | { error: string } {
  return reply instanceof RedisError
    ? { error: text(reply.message) }
    : { result: encodeResult(reply, encode, true) }
}

/** The client decodes every string, whatever the answer's headers say, except an "OK" that is the whole result. */
function encodeResult(reply: Reply, encode: Encode, isWhole: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((item) => encodeResult(item, encode, false))
  if (reply instanceof RedisError) return encode(reply.message)
  const value = isStatus(reply) ? reply.status : reply
  if (typeof value !== 'string' || (isWhole && value === 'OK')) return value
  return encode(value)
}

function parseJson(body: string | null): unknown {
  try {
    return body === null ? null : JSON.parse(body)
  } catch {
    return null // answered like an empty request
  }
}

function parseCommands(body: unknown): string[][] | null {
  if (!Array.isArray(body) || body.length === 0) return null
  const commands: string[][] = []
  for (const item of body) {
    const command = parseCommand(item)
    if (command === null) return null
    commands.push(command)
  }
  return commands
}

function parseCommand(body: unknown): string[] | null {
  return Array.isArray(body) && body.length > 0 ? body.map(parseArgument) : null
}

function parseArgument(value: unknown): string {
  if (value === null) return ''
  return bytes(typeof value === 'object' ? JSON.stringify(value) : String(value))
}

function refusal(status: number, error: string): Answer {
  return { status, body: { error } }
}

function sameSecret(given: string, wanted: string): boolean {
  const digest = (secret: string) => createHash('sha256').update(secret).digest()
  return timingSafeEqual(digest(given), digest(wanted))
}
