/** A resolver over HTTPS that says what a test wants it to say of a name (`application/dns-json`), or misbehaves. */
import { LOOPBACK, serveLocally } from '../../dev/local-server.ts'

export type DnsRecord = { name?: string; type: number; data: unknown }

/** RCODE and records, or what it does instead of answering. */
export type DnsAnswer =
  | { Status: number; Answer?: DnsRecord[] | undefined }
  | 'hangs'
  | 'cuts'
  | { status: number; body?: string; headers?: Record<string, string> }

export type Zone = { A?: DnsAnswer; AAAA?: DnsAnswer }

export const a = (...addresses: string[]): DnsAnswer => ({
  Status: 0,
  Answer: addresses.map((data) => ({ type: 1, data })),
})
export const aaaa = (...addresses: string[]): DnsAnswer => ({
  Status: 0,
  Answer: addresses.map((data) => ({ type: 28, data })),
})

/** Of a name that has no records of the type. */
const NO_DATA: DnsAnswer = { Status: 0 }
const NO_SUCH_NAME: DnsAnswer = { Status: 3 }

export type Resolver = Awaited<ReturnType<typeof startResolver>>

export async function startResolver() {
  const zones = new Map<string, Zone>()
  const asked: string[] = []
  const server = await serveLocally('resolver', 0, (request, response) => {
    const query = new URL(request.url ?? '', `http://${LOOPBACK}`).searchParams
    const [name = '', type = ''] = [query.get('name') ?? '', query.get('type') ?? '']
    asked.push(`${name} ${type} ${request.headers.accept}`)
    const zone = zones.get(name)
    const answer = zone ? (zone[type as keyof Zone] ?? NO_DATA) : NO_SUCH_NAME // any other type has none
    if (answer === 'hangs') return
    if (answer === 'cuts') {
      response.writeHead(200, { 'content-length': 100 }).write('{"Status":0')
      response.socket?.destroySoon()
    } else if ('status' in answer) response.writeHead(answer.status, answer.headers).end(answer.body)
    else response.writeHead(200, { 'content-type': 'application/dns-json' }).end(JSON.stringify(answer))
  })
  return {
    url: `http://${LOOPBACK}:${server.port}/dns-query`,
    set: (name: string, zone: Zone) => zones.set(name, zone),
    /** `<name> <type> <Accept>` of each question about the name so far. */
    asked: (name: string) => asked.filter((question) => question.startsWith(`${name} `)),
    all: () => [...asked],
    stop: server.stop,
  }
}
