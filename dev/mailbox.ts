/**
 * The local mailbox: takes what the Worker would have sent, refuses what a provider would refuse, and shows both parts.
 * In memory and on 127.0.0.1 alone. What it shows was written by strangers, so nothing of it runs, loads or leads anywhere.
 */
import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as v from 'valibot'
import { type LocalServer, readBody, sendJson, serveLocally } from './local-server.ts'
import { PAGE_POLICY, renderMailboxPage } from './mailbox-page.ts'

export type Message = {
  id: string
  to: string
  from: string
  subject: string
  text: string
  html: string
  headers: Record<string, string>
  created_at: string
}

export type Mailbox = LocalServer & {
  url: string
  /** Where the Worker posts to. */
  endpoint: string
}

const MAX_MESSAGES = 1000

/** Errors of the mailbox: for the Worker's transport, and for a browser with a wrong address. */
type Problem = { status: number; code: string; detail: string; allow?: string }

type Kept = { message: Message; key: string | null; digest: string }

/** The messages, oldest first, and the pages that are told of each change. */
type Box = Kept[] & { readers: Set<ServerResponse> }

const ADDRESS = String.raw`[^\s<>@,;:"\\()[\]]{1,64}@[A-Za-z0-9.-]{1,253}`
const oneLine = v.pipe(v.string(), v.maxLength(998), v.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]+$/u))
const part = v.pipe(v.string(), v.minLength(1))
const Posted = v.strictObject({
  to: v.pipe(v.string(), v.regex(new RegExp(`^${ADDRESS}$`))),
  from: v.pipe(oneLine, v.regex(new RegExp(String.raw`^(${ADDRESS}|[^<>"@,;:\\]+ <${ADDRESS}>)$`))),
  subject: oneLine,
  text: part,
  html: part,
  headers: v.optional(v.record(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,100}$/)), oneLine), {}),
})

export async function startMailbox({ port = 0 }: { port?: number } = {}): Promise<Mailbox> {
  const kept: Box = Object.assign([], { readers: new Set<ServerResponse>() })
  const server = await serveLocally('mailbox', port, async (request, response) => {
    const problem = await answer(kept, request, response).catch((): Problem => {
      return { status: 400, code: 'invalid_request', detail: 'The request is incomplete.' }
    })
    if (!problem) return
    const { allow, ...body } = problem
    sendJson(response, problem.status, body, {
      'content-type': 'application/problem+json',
      ...(allow && { allow }),
    })
  })
  const url = `http://localhost:${server.port}`
  return { ...server, url, endpoint: `http://127.0.0.1:${server.port}/api/messages` }
}

async function answer(
  kept: Box,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Problem | null> {
  // A page of the web that points its own name at this machine would otherwise read what we keep (DNS rebinding).
  if (!/^(localhost|127\.0\.0\.1)(:[0-9]+)?$/.test(request.headers.host ?? ''))
    return { status: 421, code: 'unknown_host', detail: 'Use the host localhost.' }
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  const handlers = ROUTES[pathname]
  if (!handlers) return { status: 404, code: 'not_found', detail: 'Not found.' }
  const handle = Object.hasOwn(handlers, request.method ?? '') && handlers[request.method ?? '']
  if (handle) return handle(kept, { request, response, to: searchParams.get('to') })
  const allow = Object.keys(handlers).join(', ')
  return { status: 405, code: 'method_not_allowed', detail: `This path takes ${allow}.`, allow }
}

type Asked = { request: IncomingMessage; response: ServerResponse; to: string | null }
type Handler = (kept: Box, asked: Asked) => Promise<Problem | null> | null

const ROUTES: Record<string, Record<string, Handler>> = {
  '/': {
    GET: (kept, { response, to }) => {
      response.writeHead(200, PAGE_HEADERS).end(renderMailboxPage(newestFirst(kept, to)))
      return null
    },
  },
  '/api/changes': {
    // Server-sent events: a page hears that there is something to fetch.
    GET: ({ readers }, { response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write(': open\n\n')
      readers.add(response)
      response.once('close', () => readers.delete(response))
      return null
    },
  },
  '/api/messages': {
    GET: (kept, { response, to }) => {
      sendJson(response, 200, { data: newestFirst(kept, to) })
      return null
    },
    POST: take,
    DELETE: (kept, { response }) => {
      kept.length = 0
      tellReaders(kept)
      response.writeHead(204).end()
      return null
    },
  },
}

const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': PAGE_POLICY,
  'referrer-policy': 'no-referrer',
}

function tellReaders({ readers }: Box): void {
  for (const reader of readers) reader.write('data: changed\n\n')
}

const newestFirst = (kept: Kept[], to: string | null) =>
  kept
    .map(({ message }) => message)
    .filter((message) => to === null || message.to.toLowerCase() === to.toLowerCase())
    .toReversed()

/** Idempotent as Resend is: a key that was used answers with the first id, or 409 when the mail was another. */
async function take(kept: Box, { request, response }: Asked): Promise<Problem | null> {
  if (request.headers['content-type'] !== 'application/json')
    return { status: 415, code: 'unsupported_media_type', detail: 'Send application/json.' }
  const text = await readBody(request)
  if (text === null) return { status: 413, code: 'payload_too_large', detail: 'The message is too large.' }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Posted), text)
  if (!parsed.success) {
    const [issue] = parsed.issues
    return {
      status: 422,
      code: 'invalid_input',
      detail: `Invalid: ${v.getDotPath(issue) ?? 'the body'}`,
    }
  }
  const key = request.headers['idempotency-key']?.toString() ?? null
  if (key !== null && key.length > 256)
    return {
      status: 400,
      code: 'invalid_idempotency_key',
      detail: 'An idempotency key has at most 256 characters.',
    }
  const digest = createHash('sha256').update(text).digest('hex')
  const before = key === null ? undefined : kept.find((one) => one.key === key)
  if (before && before.digest !== digest)
    return {
      status: 409,
      code: 'invalid_idempotent_request',
      detail: 'The idempotency key was used for another message.',
    }
  const message = before?.message ?? {
    id: randomUUID(),
    ...parsed.output,
    created_at: new Date().toISOString(),
  }
  if (!before) kept.push({ message, key, digest })
  if (kept.length > MAX_MESSAGES) kept.shift()
  if (!before) tellReaders(kept)
  sendJson(response, 200, { id: message.id })
  return null
}
