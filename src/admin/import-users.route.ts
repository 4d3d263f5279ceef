/**
 * POST /v1/admin/users/import — Import up to 20 accounts from another system. The answer says for each account whether
 * it was created, already existed, is a duplicate or was refused, and why. Safe to repeat.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { refuseUnless } from '../guard/demands.ts'
import { operation } from '../operation.ts'
import { rpIdOf } from '../passkeys/relying-party.ts'
import { isRefusal } from '../problem.ts'
import { insertImportsAsAdmin } from './import-store.ts'
import {
  createFirstPlaces,
  ImportResultAnswer,
  readEntry,
  resultOf,
  unlessDuplicate,
} from './import-users.ts'

/** Entries are judged one by one, so that one that is wrong does not hold back the others. */
const Batch = v.strictObject({
  users: v.pipe(v.array(v.looseObject({})), v.minLength(1, 'too_short'), v.maxLength(20, 'too_many')),
})

export const importUsers = operation(
  {
    id: 'importUsers',
    method: 'POST',
    path: '/v1/admin/users/import',
    body: Batch,
    answers: { 200: v.object({ results: v.array(ImportResultAnswer) }) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:users:import',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands, body }) => {
    const known = await requireCaller(ctx, headers, 'importUsers', demands)
    if (isRefusal(known)) return known

    const into = { rpId: rpIdOf(known.tenant), scopes: known.tenant.policy.api_key_scopes }
    const firstPlaceOf = createFirstPlaces()
    const entries = body.users.map((entry, index) =>
      unlessDuplicate(readEntry(ctx, entry, into), firstPlaceOf, index),
    )
    const accepted = entries.flatMap((entry) => ('user' in entry ? entry.user : []))
    const grants = accepted.flatMap(({ roles }) => roles)
    const scopes = accepted.flatMap(({ apiKeys }) => apiKeys.flatMap((key) => key.scopes))
    const caller = { ...known, demands: { ...demands, grants, scopes: [...new Set(scopes)] } }
    const inserted = await insertImportsAsAdmin(ctx, caller, accepted)
    const refused = refuseUnless(inserted, caller)
    if (refused) return refused
    const results = entries.map((entry, index) => ({ index, ...resultOf(entry, inserted) }))
    return Response.json({ results })
  },
)
