/** GET /v1/webhooks/{id} — Read a webhook endpoint. Answers 404 for an endpoint of another tenant. */
import { readAsCaller } from '../guard/caller.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { findEndpoint } from './store.ts'
import { EndpointAnswer, presentEndpoint } from './webhooks.ts'

export const readWebhook = operation(
  {
    id: 'readWebhook',
    method: 'GET',
    path: '/v1/webhooks/:id',
    answers: { 200: EndpointAnswer },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:webhooks:read',
    takesKeys: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id } }) => {
    const find = () => findEndpoint(ctx, pathId(id))
    const read = await readAsCaller(ctx, headers, 'readWebhook', find, demands)
    if (isRefusal(read)) return read
    const [endpoint] = read.found
    return endpoint ? Response.json(presentEndpoint(endpoint)) : refuse('not_found')
  },
)
