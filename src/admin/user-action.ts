/** What operations on one account share that take a reason and nothing else, and answer 204. */
import type { Target } from '../access/target-store.ts'
import type { Context } from '../context.ts'
import { byAdmin } from '../guard/acting-store.ts'
import { type CallerOperation, requireCaller } from '../guard/caller.ts'
import type { Admin } from '../guard/demands.ts'
import { noContent } from '../http/answer.ts'
import { pathId } from '../http/input.ts'
import type { Asked } from '../operation.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { Reasoned } from './users.ts'

export const USER_ACTION = {
  method: 'POST',
  body: Reasoned,
  bodyIsOptional: true,
  answers: { 204: null },
  caller: 'admin',
  permission: 'latchkey:users:write',
  stepUp: true,
  budget: { redis: 1, postgres: 1 },
} as const

type AskedOfUser = Asked<typeof USER_ACTION & { id: string; path: '/v1/admin/users/:id'; refusals: [] }>

/** @param act one statement, which decides whether the caller may and whether the account is such; null when it is so now */
export const userAction =
  (id: CallerOperation, act: (ctx: Context, target: Target, caller: Admin) => Promise<Refusal | null>) =>
  async ({ ctx, headers, demands, params, body: { reason } }: AskedOfUser): Promise<Response | Refusal> => {
    const over = pathId(params.id)
    const caller = await requireCaller(ctx, headers, id, { ...demands, over })
    if (isRefusal(caller)) return caller
    const target = { acting: byAdmin(ctx, caller), userId: over, reason }
    return (await act(ctx, target, caller)) ?? noContent()
  }
