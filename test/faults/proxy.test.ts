/** The fault proxy does to a plain client what each mode promises, and leaves everyone else alone. */
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type FaultMode, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { LEAKED_SECRET, type Upstream } from '../support/upstream-failure.ts'

let upstream: Awaited<ReturnType<typeof startEcho>>
let proxy: FaultProxy

beforeEach(async () => {
  upstream = await startEcho()
  proxy = await startFaultProxy('neon', upstream)
})
afterEach(async () => {
  await proxy.stop()
  await upstream.stop()
})

const urlOf = ({ port }: { port: number }) => `http://127.0.0.1:${port}/sql?a=b`
const post = (body: string, init: RequestInit = {}) => fetch(urlOf(proxy), { method: 'POST', body, ...init })
const outcomes = async (calls: Promise<Response>[]) => {
  const settled = await Promise.allSettled(calls)
  return settled.map((one) => (one.status === 'fulfilled' ? one.value.status : 'failed'))
}

describe('open', () => {
  test('passes on the request and its answer as they are', async () => {
    const answer = await post('"täxt"', { headers: { 'neon-raw-text-output': 'true' } })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('upstash-sync-token')).toBe('1')
    expect(await answer.json()).toMatchObject({
      method: 'POST',
      url: '/sql?a=b',
      headers: { 'neon-raw-text-output': 'true', host: new URL(urlOf(proxy)).host },
      body: '"täxt"',
    })
  })

  test('passes on a body that comes in chunks', async () => {
    const body = new Blob(['one ', 'two']).stream()
    const answer = await fetch(urlOf(proxy), { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(await answer.json()).toMatchObject({ body: 'one two', headers: { 'content-length': '7' } })
  })

  test('64 parallel requests reach the upstream together, and each gets its own answer', async () => {
    upstream.holdUntil(64)
    const answers = await Promise.all(Array.from({ length: 64 }, (_, index) => post(`request ${index}`)))
    const echoes = await Promise.all(answers.map((answer) => answer.json()))
    expect(echoes).toMatchObject(Array.from({ length: 64 }, (_, index) => ({ body: `request ${index}` })))
  })

  test('keeps its connection to the upstream', async () => {
    for (const body of ['1', '2', '3']) await (await post(body)).text()
    expect(upstream).toMatchObject({ requests: 3, connections: 1 })
  })

  test('a caller who leaves takes the forwarded request along', async () => {
    upstream.holdUntil(2)
    const caller = openRaw(proxy.port, requestText('slow'))
    await vi.waitFor(() => expect(upstream.requests).toBe(1))
    caller.socket.destroy()
    await vi.waitFor(() => expect(upstream.abandoned).toBe(1))
  })

  test('an upstream that is gone looks like a reset', async () => {
    await upstream.stop()
    expect(await openRaw(proxy.port, requestText('x')).ended).toEqual({ received: '', error: 'ECONNRESET' })
  })
})

describe('refusing', () => {
  test('resets a connection before anything is sent on it', async () => {
    proxy.set('refusing')
    expect(await openRaw(proxy.port).ended).toEqual({ received: '', error: 'ECONNRESET' })
    expect(await outcomes([post('x')])).toEqual(['failed'])
    expect(upstream.requests).toBe(0)
    expect(proxy.hits()).toBe(2)
  })

  test('resets after reading the request where the request decides', async () => {
    proxy.set('refusing', { when: (body) => body === 'x' })
    expect(await openRaw(proxy.port, requestText('x')).ended).toEqual({ received: '', error: 'ECONNRESET' })
    expect(await outcomes([post('y')])).toEqual([201])
    expect(upstream.requests).toBe(1)
  })
})

describe('hanging', () => {
  test('takes the request and never answers, until the mode changes', async () => {
    proxy.set('hanging')
    const caller = openRaw(proxy.port, requestText('x'))
    await vi.waitFor(() => expect(proxy.hits()).toBe(1))
    await expect(post('y', { signal: AbortSignal.timeout(200) })).rejects.toThrow(/timeout/)
    expect(caller.socket.readyState).toBe('open')
    expect(upstream.requests).toBe(0)
    proxy.set('open')
    expect(await caller.ended).toMatchObject({ received: '' })
    expect(await outcomes([post('z')])).toEqual([201])
  })
})

describe('error-500', () => {
  test.each<[Upstream, string]>([
    ['neon', 'message'],
    ['upstash', 'error'],
  ])('%s fails by itself, and tells everything that no one should hear', async (kind, field) => {
    const failing = await startFaultProxy(kind, upstream)
    try {
      failing.set('error-500')
      const secrets = { neon: 'postgresql://u:pw@h/d', upstash: 'Bearer token' }
      const headers = { 'neon-connection-string': secrets.neon, authorization: secrets.upstash }
      const answer = await fetch(urlOf(failing), { method: 'POST', body: '["SET","k","v"]', headers })
      expect(answer.status).toBe(500)
      const body = (await answer.json()) as Record<string, unknown> // or the next line fails
      expect(body[field]).toEqual(expect.any(String))
      const told = Object.values(body).join()
      for (const secret of [LEAKED_SECRET, secrets[kind], '["SET","k","v"]']) expect(told).toContain(secret)
      expect(upstream.requests).toBe(0)
    } finally {
      await failing.stop()
    }
  })
})

describe('cut', () => {
  test('resets in the middle of the answer to a request that took effect', async () => {
    proxy.set('cut')
    const { received, error } = await openRaw(proxy.port, requestText('x')).ended
    expect(error).toBe('ECONNRESET')
    const [head = '', half = ''] = received.split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 201 /)
    expect(half).toMatch(/^\{"method":"POST"/)
    expect(half.length).toBe(Math.floor(Number(/content-length: (\d+)/i.exec(head)?.[1]) / 2))
    expect(upstream.answered).toBe(1)
  })

  test('a client sees the status, and then loses the body', async () => {
    proxy.set('cut')
    const answer = await post('x')
    expect(answer.status).toBe(201)
    await expect(answer.text()).rejects.toThrow()
  })

  test('an answer without a body is cut as well', async () => {
    proxy.set('cut')
    const answer = await post('nothing, please')
    await expect(answer.text()).rejects.toThrow()
  })
})

describe('reset-after-commit', () => {
  test('sends nothing of the answer to a request that took effect', async () => {
    proxy.set('reset-after-commit')
    expect(await openRaw(proxy.port, requestText('x')).ended).toEqual({ received: '', error: 'ECONNRESET' })
    expect(upstream).toMatchObject({ requests: 1, answered: 1, abandoned: 0 })
  })

  test('resets nothing before the upstream has answered', async () => {
    upstream.holdUntil(2)
    proxy.set('reset-after-commit', { times: 1 })
    const first = openRaw(proxy.port, requestText('x'))
    await vi.waitFor(() => expect(upstream.requests).toBe(1))
    expect(first.socket.readyState).toBe('open')
    expect(await outcomes([post('y')])).toEqual([201])
    expect(await first.ended).toEqual({ received: '', error: 'ECONNRESET' })
    expect(upstream.answered).toBe(2)
  })
})

describe('a delay', () => {
  test('passes on that much later', async () => {
    proxy.set({ delayMs: 150 })
    const startedAt = performance.now()
    expect((await post('x')).status).toBe(201)
    expect(performance.now() - startedAt).toBeGreaterThan(145)
  })

  test('forwards nothing for a caller who left meanwhile', async () => {
    proxy.set({ delayMs: 100 })
    await expect(post('x', { signal: AbortSignal.timeout(20) })).rejects.toThrow(/timeout/)
    await (await post('y')).text()
    expect(upstream.requests).toBe(1)
  })
})

describe('times', () => {
  const BREAKING: FaultMode[] = ['refusing', 'cut', 'reset-after-commit']
  test.each(BREAKING)('%s meets so many of the requests in parallel, and no more', async (mode) => {
    proxy.set(mode, { times: 20 })
    const calls = Array.from({ length: 64 }, (_, index) => post(`request ${index}`).then(readWhole))
    const seen = await outcomes(calls)
    expect(seen.filter((outcome) => outcome === 'failed')).toHaveLength(20)
    expect(seen.filter((outcome) => outcome === 201)).toHaveLength(44)
    expect(upstream.answered).toBe(mode === 'refusing' ? 44 : 64)
    expect(await outcomes([post('later')])).toEqual([201])
    expect(proxy.hits()).toBe(20)
  })

  test('counts only requests that `when` accepts', async () => {
    proxy.set('error-500', { times: 1, when: (body) => body.includes('insert into sessions') })
    const seen: unknown[] = []
    for (const body of ['select 1', 'insert into sessions a', 'select 2', 'insert into sessions b']) {
      seen.push(...(await outcomes([post(body)])))
    }
    expect(seen).toEqual([201, 500, 201, 201])
    expect(proxy.hits()).toBe(1)
  })
})

describe('switching', () => {
  test('ends a kept-alive connection', async () => {
    const caller = openRaw(proxy.port, requestText('x'))
    await once(caller.socket, 'data')
    expect(caller.socket.readyState).toBe('open')
    proxy.set({ delayMs: 1 })
    expect((await caller.ended).received).toMatch(/^HTTP\/1\.1 201 /)
  })

  test('a request under way is cut, and does not use up what comes after', async () => {
    upstream.holdUntil(2)
    const under = openRaw(proxy.port, requestText('under way'))
    await vi.waitFor(() => expect(upstream.requests).toBe(1))
    proxy.set('error-500', { times: 1 })
    expect((await under.ended).received).toBe('')
    await vi.waitFor(() => expect(upstream.abandoned).toBe(1))
    expect(proxy.hits()).toBe(0)
    expect(await outcomes([post('next')])).toEqual([500])
  })

  test('survives callers who are cut in every mode at once', async () => {
    const modes: FaultMode[] = [
      'open',
      'cut',
      'hanging',
      { delayMs: 5 },
      'reset-after-commit',
      'refusing',
      'open',
    ]
    const calls = modes.flatMap((mode) => {
      proxy.set(mode)
      return Array.from({ length: 16 }, () => post('x').then(readWhole))
    })
    const seen = await outcomes(calls)
    expect(seen.slice(-16)).toEqual(Array(16).fill(201))
  })
})

async function readWhole(answer: Response): Promise<Response> {
  await answer.text()
  return answer
}

/** Answers 201 with what it was asked, and counts; `holdUntil(n)` holds all answers back until n requests are there. */
async function startEcho() {
  const held: (() => void)[] = []
  let holding = 0
  const state = { requests: 0, answered: 0, abandoned: 0, connections: 0 }
  const server = http.createServer(async (request, response) => {
    state.requests++
    response.once('close', () => {
      if (!response.writableFinished) state.abandoned++
    })
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { method, url, headers } = request
    held.push(() => {
      state.answered++
      response.writeHead(201, {
        'content-type': 'application/json',
        'upstash-sync-token': String(state.answered),
      })
      response.end(body === 'nothing, please' ? '' : JSON.stringify({ method, url, headers, body }))
    })
    if (held.length >= holding) for (const answer of held.splice(0)) answer()
  })
  server.on('connection', () => state.connections++)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return Object.assign(state, {
    port: (server.address() as net.AddressInfo).port, // listening on TCP
    holdUntil: (count: number) => {
      holding = count
    },
    stop: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  })
}

function requestText(body: string): string {
  return `POST /sql HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

type Ended = { received: string; error: string | null }

/** A connection by hand, which a client library's pool and error texts would hide. */
function openRaw(port: number, text = ''): { socket: net.Socket; ended: Promise<Ended> } {
  const socket = net.connect(port, '127.0.0.1', () => socket.write(text))
  const ended = new Promise<Ended>((resolve) => {
    let received = ''
    let error: string | null = null
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk
    })
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      error = cause.code ?? cause.message
    })
    socket.once('close', () => resolve({ received, error }))
  })
  return { socket, ended }
}
