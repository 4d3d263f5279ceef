/**
 * POST /v1/admin/users/import — up to 20 accounts that move in from another system; the answer says of each whether it
 * was created, was there already, is there twice or is refused, and why. Safe to repeat.
 */
import * as v from 'valibot'
import { requireCaller } from '../guard/caller.ts'
import { AS_ADMIN_STEP_UP, refuseUnless } from '../guard/demands.ts'
import { operation } from '../operation.ts'
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
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, body }) => {
    const caller = await requireCaller(ctx, headers, 'importUsers', AS_ADMIN_STEP_UP)
    if (isRefusal(caller)) return caller

    const firstPlaceOf = createFirstPlaces()
    const entries = body.users.map((entry, index) =>
      unlessDuplicate(readEntry(ctx, entry), firstPlaceOf, index),
    )
    const accepted = entries.flatMap((entry) => ('user' in entry ? entry.user : []))
    const inserted = await insertImportsAsAdmin(ctx, caller, accepted)
    const refused = refuseUnless(inserted, caller)
    if (refused) return refused
    const created = new Set(inserted.created)
    const results = entries.map((entry, index) => ({ index, ...resultOf(entry, created) }))
    return Response.json({ results })
  },
)
