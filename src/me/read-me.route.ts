/** GET /v1/me — Read the caller's account. */
import { presentSelf, SelfAnswer } from '../accounts/accounts.ts'
import { readCaller } from '../guard/caller.ts'
import { ALSO_IMPERSONATED } from '../guard/demands.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'

export const readMe = operation(
  {
    id: 'readMe',
    method: 'GET',
    path: '/v1/me',
    answers: { 200: SelfAnswer },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const known = await readCaller(ctx, headers, 'readMe', ALSO_IMPERSONATED)
    return isRefusal(known) ? known : Response.json(presentSelf(known.user))
  },
)
