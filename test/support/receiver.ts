/**
 * A webhook receiver that a test looks into, and that misbehaves on demand: each path behaves for itself, so that the
 * endpoints of different tests share nothing.
 */
import type http from 'node:http'
import { text } from 'node:stream/consumers'
import { LOOPBACK, serveLocally } from '../../dev/local-server.ts'

/**
 * - a status, with headers: answers that
 * - `hanging` takes the request and never answers
 * - `held` answers 204 when it is released
 * - `dripping` never ends the headers of its answer, `dripping body` never its body
 * - `flooding` answers 200 and a gigabyte
 * - `resetting` resets the connection when it has the request
 */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; body?: string }
  | 'hanging'
  | 'held'
  | 'dripping'
  | 'dripping body'
  | 'flooding'
  | 'resetting'

export type Hit = { method: string; headers: Record<string, string>; body: string }

export type Receiver = {
  port: number
  url(path: string): string
  behave(path: string, behaviour: Behaviour): void
  /** What came, oldest first. */
  hits(path: string): Hit[]
  /** The most requests that were under way at once. */
  mostAtOnce(path: string): number
  /** Bytes of answers that left for this path. */
  sentBytes(path: string): number
  /** Answers everything that is held. */
  release(path: string): void
  stop(): Promise<void>
}

type Place = {
  behaviour: Behaviour
  hits: Hit[]
  underWay: number
  mostAtOnce: number
  sentBytes: number
  held: (() => void)[]
}

const GIGABYTE = 1024 ** 3

export async function startReceiver(): Promise<Receiver> {
  const places = new Map<string, Place>()
  const placeOf = (path: string) => {
    const place = places.get(path) ?? newPlace()
    places.set(path, place)
    return place
  }
  const server = await serveLocally('receiver', 0, async (request, response) => {
    const place = placeOf(new URL(request.url ?? '/', 'http://receiver').pathname)
    place.underWay += 1
    place.mostAtOnce = Math.max(place.mostAtOnce, place.underWay)
    response.on('close', () => {
      place.underWay -= 1
    })
    response.on('error', () => {}) // written to after they left
    const body = await text(request)
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    )
    place.hits.push({ method: request.method ?? '', headers, body })
    answer(place, response)
  })
  return {
    port: server.port,
    url: (path) => `http://${LOOPBACK}:${server.port}${path}`,
    behave: (path, behaviour) => {
      placeOf(path).behaviour = behaviour
    },
    hits: (path) => [...placeOf(path).hits],
    mostAtOnce: (path) => placeOf(path).mostAtOnce,
    sentBytes: (path) => placeOf(path).sentBytes,
    release: (path) => {
      for (const answerNow of placeOf(path).held.splice(0)) answerNow()
    },
    stop: server.stop,
  }
}

const newPlace = (): Place => ({
  behaviour: { status: 204 },
  hits: [],
  underWay: 0,
  mostAtOnce: 0,
  sentBytes: 0,
  held: [],
})

function answer(place: Place, response: http.ServerResponse): void {
  const { behaviour } = place
  if (typeof behaviour === 'object')
    response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body)
  else MISBEHAVE[behaviour](place, response)
}

const MISBEHAVE: Record<
  Extract<Behaviour, string>,
  (place: Place, response: http.ServerResponse) => unknown
> = {
  hanging: () => {},
  held: ({ held }, response) => held.push(() => response.writeHead(204).end()),
  dripping: (_, response) => drip(response, 'HTTP/1.1 200 OK\r\nx-drip: '),
  'dripping body': (_, response) => drip(response, 'HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n'),
  flooding: flood,
  resetting: (_, response) => response.socket?.resetAndDestroy(),
}

/** Slow-loris: a beginning, and one more byte now and then. */
function drip({ socket }: http.ServerResponse, beginning: string): void {
  socket?.write(beginning)
  const timer = setInterval(() => socket?.write('.'), 20)
  socket?.on('close', () => clearInterval(timer))
}

function flood(place: Place, response: http.ServerResponse): void {
  const chunk = Buffer.alloc(65_536, 'flood ')
  response.writeHead(200)
  const more = () => {
    while (!response.destroyed && place.sentBytes < GIGABYTE) {
      place.sentBytes += chunk.length
      if (!response.write(chunk)) return response.once('drain', more)
    }
    return response.end()
  }
  more()
}
