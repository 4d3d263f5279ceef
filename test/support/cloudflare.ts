/**
 * The part of Cloudflare's API that wrangler asks for queues and secrets, for one account with one token. It refuses what Cloudflare refuses: another
 * token, a queue twice, secrets of a Worker that is not there.
 */
import { readBody, sendJson, serveLocally } from '../../dev/local-server.ts'

export const ACCOUNT = { id: 'a1', name: 'Acme' }
export const API_TOKEN = 'token-of-the-test'

const PAGE = { page: 1, per_page: 50, count: 1, total_count: 1, total_pages: 1 }
const NO_WORKER = { status: 404, code: 10007, message: 'This Worker does not exist on your account.' }

type Refused = { status: number; code: number; message: string }

export async function startCloudflare() {
  const queues: { queue_id: string; queue_name: string }[] = []
  const kept: { secrets: Record<string, string> | null } = { secrets: null }
  const account = `/accounts/${ACCOUNT.id}`
  const worker = `${account}/workers/scripts/latchkey`

  const answers: Record<string, (asked: { query: URLSearchParams; body: string }) => unknown> = {
    'GET /user': () => ({ id: 'u1', email: 'you@acme.test' }),
    'GET /user/tokens/verify': () => ({ id: 't1', status: 'active' }),
    'GET /accounts': () => [ACCOUNT],
    'GET /memberships': () => [{ id: 'm1', account: ACCOUNT, roles: [] }],
    [`GET ${account}/queues`]: ({ query }) =>
      queues.filter(({ queue_name }) => !query.has('name') || query.getAll('name').includes(queue_name)),
    [`POST ${account}/queues`]: ({ body }) => {
      const { queue_name } = JSON.parse(body) as { queue_name: string } // wrangler's own
      if (queues.some((queue) => queue.queue_name === queue_name))
        throw {
          status: 409,
          code: 11009,
          message: `Queue name '${queue_name}' is already taken.`,
        } satisfies Refused
      queues.push({ queue_id: `id-of-${queue_name}`, queue_name })
      return queues.at(-1)
    },
    [`PUT ${worker}`]: () => {
      kept.secrets = {}
      return { id: 'latchkey' }
    },
    [`GET ${worker}/secrets`]: () => listed(kept.secrets),
    [`PATCH ${worker}/secrets-bulk`]: ({ body }) => {
      const before = listed(kept.secrets) && kept.secrets
      const { secrets } = JSON.parse(body) as { secrets: Record<string, { text: string }> } // wrangler's own
      kept.secrets = {
        ...before,
        ...Object.fromEntries(Object.entries(secrets).map(([name, { text }]) => [name, text])),
      }
      return listed(kept.secrets)
    },
  }

  const server = await serveLocally('cloudflare', 0, async (request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    const refuse = ({ status, ...error }: Refused) =>
      sendJson(response, status, { success: false, errors: [error], messages: [], result: null })
    if (request.headers.authorization !== `Bearer ${API_TOKEN}`)
      return refuse({ status: 403, code: 9109, message: 'Invalid access token' })
    const answer = answers[`${request.method} ${url.pathname}`]
    if (!answer)
      return refuse({ status: 404, code: 7003, message: `No route for ${request.method} ${url.pathname}` })
    try {
      const result = answer({ query: url.searchParams, body: (await readBody(request)) ?? '' })
      sendJson(response, 200, { success: true, errors: [], messages: [], result, result_info: PAGE })
    } catch (refused) {
      refuse(refused as Refused) // nothing else is thrown above
    }
  })
  return { url: `http://127.0.0.1:${server.port}`, kept, stop: server.stop }
}

function listed(secrets: Record<string, string> | null) {
  if (secrets === null) throw NO_WORKER
  return Object.keys(secrets).map((name) => ({ name, type: 'secret_text' }))
}
