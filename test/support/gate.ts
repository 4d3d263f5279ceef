/** A TCP gate in front of an upstream, so that a test can take the upstream away: refuse its callers, or leave them hanging. */
import net from 'node:net'

/** `open` passes everything on, `refusing` resets every connection, `hanging` accepts and never answers. */
export type GateMode = 'open' | 'refusing' | 'hanging'

export type Gate = {
  port: number
  /** Existing connections end, so that a kept-alive one cannot slip through. */
  set(mode: GateMode): void
  stop(): Promise<void>
}

export async function openGate(upstreamPort: number): Promise<Gate> {
  let mode: GateMode = 'open'
  const sockets = new Set<net.Socket>()
  const keep = (socket: net.Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy()) // the other side of a connection that we cut
  }
  const cutAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const server = net.createServer((socket) => {
    keep(socket)
    if (mode === 'refusing') socket.resetAndDestroy()
    if (mode !== 'open') return
    const upstream = net.connect(upstreamPort, '127.0.0.1')
    keep(upstream)
    socket.pipe(upstream).pipe(socket)
    socket.once('close', () => upstream.destroy())
    upstream.once('close', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port, // listening on TCP, so neither a path nor null
    set: (next) => {
      mode = next
      cutAll()
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        cutAll()
      }),
  }
}
