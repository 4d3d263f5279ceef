/**
 * What the platform does besides a request of a test: hands a batch of a queue or the time of a cron to a Worker; and with
 * ENTRY, a request that says nothing of its caller, with the usual caller.
 */
export default {
  async fetch(request, { WORKER, ENTRY, CF }) {
    if (ENTRY) {
      const headers = new Headers(request.headers)
      if (!headers.has('cf-connecting-ip')) headers.set('cf-connecting-ip', '127.0.0.1')
      headers.set('accept-encoding', 'br, gzip')
      return WORKER.fetch(request, { headers, cf: CF, redirect: 'manual' })
    }
    const { cron, queue, messages } = await request.json()
    if (cron) return Response.json(await WORKER.scheduled({ cron }))
    const batch = messages.map(({ timestamp, ...rest }) => ({ ...rest, timestamp: new Date(timestamp) }))
    return Response.json(await WORKER.queue(queue, batch))
  },
}
