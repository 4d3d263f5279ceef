/**
 * PATCH /v1/me — Update the caller's name, language (`null` removes it), whether they get mail that is not about security, and
 * their public metadata, which takes the place of what was there.
 */
import { presentSelf, SelfAnswer } from '../accounts/accounts.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { Changes, updateSelf } from './self.ts'

export const updateMe = operation(
  {
    id: 'updateMe',
    method: 'PATCH',
    path: '/v1/me',
    body: Changes,
    answers: { 200: SelfAnswer },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const self = await updateSelf(ctx, headers, body)
    return isRefusal(self) ? self : Response.json(presentSelf(self))
  },
)
