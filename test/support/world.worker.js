/** The internet of a test: what is not on this machine is answered by one server of the test, which is told who was meant. */
export default {
  fetch(request, { WORLD_URL }) {
    const url = new URL(request.url)
    if (url.hostname === '127.0.0.1' || url.hostname === 'localhost') return fetch(request)
    const headers = new Headers(request.headers)
    headers.set('x-meant-for', url.origin)
    const { method, body } = request
    return fetch(`${WORLD_URL}${url.pathname}${url.search}`, { method, headers, body, redirect: 'manual' })
  },
}
