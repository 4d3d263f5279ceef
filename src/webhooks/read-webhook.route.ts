/** GET /v1/webhooks/{id} — one endpoint of the tenant; 404 for that of another tenant. */
import { readAsCaller } from '../guard/caller.ts'
import { AS_ADMIN } from '../guard/demands.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { pathId } from './input.ts'
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
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, params: { id } }) => {
    const find = () => findEndpoint(ctx, pathId(id))
    const read = await readAsCaller(ctx, headers, 'readWebhook', find, AS_ADMIN)
    if (isRefusal(read)) return read
    const [endpoint] = read.found
    return endpoint ? Response.json(presentEndpoint(endpoint)) : refuse('not_found')
  },
)
