/**
 * The Cache API of one location: speaks what `caches.default` sends to its service. Keeps what may be kept, for as long as
 * its answer says, in memory: Miniflare's keeps each answer in a database and a file.
 */
const kept = new Map()

export default {
  async fetch(request) {
    if (request.method === 'PUT') return keep(request.url, await request.bytes())
    if (request.method === 'PURGE')
      return new Response(null, { status: kept.delete(request.url) ? 200 : 404 })
    const { status, headers, body, until } = kept.get(request.url) ?? { until: 0 }
    if (until <= Date.now())
      return new Response(null, { status: 504, headers: { 'cf-cache-status': 'MISS' } })
    return new Response(body, { status, headers: [...headers, ['cf-cache-status', 'HIT']] })
  },
}

/** @param bytes of a whole HTTP answer, status line and all */
function keep(url, bytes) {
  const answer = new TextDecoder('latin1').decode(bytes) // a character is a byte
  const end = answer.indexOf('\r\n\r\n')
  const [statusLine, ...lines] = answer.slice(0, end).split('\r\n')
  const headers = lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2))
  const { 'cache-control': control = '', 'set-cookie': cookie } = Object.fromEntries(
    headers.map(([name, value]) => [name.toLowerCase(), value]),
  )
  const seconds = Number(/\bmax-age=(\d+)/.exec(control)?.[1] ?? 0)
  if (seconds === 0 || cookie !== undefined || /no-store|no-cache|private/.test(control))
    return new Response(null, { status: 413 })
  kept.set(url, {
    status: Number(statusLine.split(' ')[1]),
    headers: headers.filter(([name]) => !/^(transfer-encoding|content-length)$/i.test(name)),
    body: bytes.slice(end + 4),
    until: Date.now() + seconds * 1000,
  })
  return new Response(null, { status: 204 })
}
