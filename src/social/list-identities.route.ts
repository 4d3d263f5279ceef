/** GET /v1/identities — the accounts at providers that sign in to the caller's, all of them. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { findIdentities } from './link-store.ts'

const IdentityAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  provider: v.string(),
  email: v.nullable(v.string()),
  linked_at: AnsweredInstant,
  last_used_at: v.nullable(AnsweredInstant),
})

export const listIdentities = operation(
  {
    id: 'listIdentities',
    method: 'GET',
    path: '/v1/identities',
    query: v.strictObject({}),
    answers: { 200: v.object({ data: v.array(IdentityAnswer), next_cursor: v.null() }) },
    refusals: [],
    caller: 'user',
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers }) => {
    const read = await readAsCaller(ctx, headers, 'listIdentities', (claimed) => findIdentities(ctx, claimed))
    if (isRefusal(read)) return read
    const data = read.found.map(({ id, provider, email, linkedAt, lastUsedAt }) => ({
      id,
      provider,
      email,
      linked_at: instant(linkedAt),
      last_used_at: lastUsedAt && instant(lastUsedAt),
    }))
    return Response.json({ data, next_cursor: null })
  },
)
