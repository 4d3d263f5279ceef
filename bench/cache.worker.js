/**
 * The edge cache for `workerd serve`, which has none: speaks what `caches.default` sends. Keeps everything for as long
 * as it runs, so it is for measurements only.
 */
const kept = new Map()

export default {
  async fetch(request) {
    if (request.method === 'PUT') {
      kept.set(request.url, await request.text()) // a whole HTTP answer, status line and all
      return new Response(null, { status: 204 })
    }
    const answer = kept.get(request.url)
    if (answer === undefined)
      return new Response(null, { status: 504, headers: { 'cf-cache-status': 'MISS' } })
    const end = answer.indexOf('\r\n\r\n')
    const [, ...lines] = answer.slice(0, end).split('\r\n')
    const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2)))
    headers.delete('transfer-encoding')
    headers.set('cf-cache-status', 'HIT')
    return new Response(answer.slice(end + 4), { headers })
  },
}
