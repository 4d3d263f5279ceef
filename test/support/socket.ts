/** A request written byte by byte, for what `fetch` would put right or refuse to send. */
import net from 'node:net'

/** Sends `text` to workerd and resolves with the status of the first answer; the connection is then closed. */
export function sendRaw(url: URL, text: string): Promise<number> {
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
