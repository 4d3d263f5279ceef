/** A server that no one is supposed to call: it counts who does. */
import { serveLocally } from '../../dev/local-server.ts'

export async function startSink() {
  let hits = 0
  const server = await serveLocally('sink', 0, (_request, response) => {
    hits += 1
    response.end('{"keys":[]}')
  })
  return {
    url: `http://127.0.0.1:${server.port}/jwks.json`,
    hits: () => hits,
    [Symbol.asyncDispose]: server.stop,
  }
}
