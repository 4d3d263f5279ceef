/** GET /v1/admin/users/{id}/metadata — Read what your product has written on an account: its own id, and both objects. */
import { readAsCaller } from '../guard/caller.ts'
import { pathId } from '../http/input.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { MetadataAnswer, presentMetadata } from './metadata-answer.ts'
import { findMetadata } from './metadata-store.ts'

export const readUserMetadata = operation(
  {
    id: 'readUserMetadata',
    method: 'GET',
    path: '/v1/admin/users/:id/metadata',
    answers: { 200: MetadataAnswer },
    refusals: ['not_found'],
    caller: 'admin',
    permission: 'latchkey:metadata:read',
    takesKeys: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, params: { id } }) => {
    const find = () => findMetadata(ctx, pathId(id))
    const read = await readAsCaller(ctx, headers, 'readUserMetadata', find, demands)
    if (isRefusal(read)) return read
    const [found] = read.found
    return found ? Response.json(presentMetadata(found)) : refuse('not_found')
  },
)
