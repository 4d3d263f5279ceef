/** HTTP by hand, for what no client library sends: repeated and malformed headers, odd paths, framing games. */
import net from 'node:net'
import type { Service } from './service.ts'

/** `status` 0 means that the connection was closed without an answer. */
export type RawAnswer = { status: number; headers: Headers; text: string }

/**
 * Sends exactly `message` and reads until the server closes, which `Connection: close` in it makes happen.
 * A server that stops reading in the middle of a body is no failure: what it answered counts.
 */
export function sendRaw({ url }: Pick<Service, 'url'>, message: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const done = () => {
      clearTimeout(patience)
      resolve(parseAnswer(Buffer.concat(chunks).toString('utf8')))
    }
    const socket = net.connect(Number(url.port), url.hostname, () => socket.write(message))
    const patience = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer to ${JSON.stringify(String(message).slice(0, 80))}`))
    }, 60_000)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.on('error', done) // reset while we still write: the answer, if any, has been read
    socket.on('close', done)
  })
}

/** Sends a request whose body never ends, and resolves with the status of the answer that comes all the same. */
export function sendUnfinished(url: URL, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(url.port), url.hostname, () => socket.write(text))
    let received = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1]
      if (status === undefined) return
      resolve(Number(status))
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`closed without an answer: ${received.slice(0, 200)}`)))
    socket.setTimeout(10_000, () => socket.destroy())
  })
}

/** A request of these header lines, as they stand. */
export function rawRequest(requestLine: string, headers: readonly string[], body = ''): string {
  return `${[requestLine, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`
}

function parseAnswer(text: string): RawAnswer {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Headers()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim())
  }
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, text: rest.join('\r\n\r\n') }
}
