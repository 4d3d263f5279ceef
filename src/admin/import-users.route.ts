/**
 * POST /v1/admin/users/import — up to 20 accounts that move in from another system; the answer says of each whether it
 * was created, was there already, is there twice or is refused, and why. Safe to repeat.
 */
import { Hono } from 'hono'
import * as v from 'valibot'
import type { Env } from '../context.ts'
import { refuseUnlessAdmin } from '../guard/admin.ts'
import { requireCaller } from '../guard/caller.ts'
import { jsonBody } from '../http/body.ts'
import { isRefusal, problemResponse } from '../problem.ts'
import { createFirstPlaces, readEntry, resultOf, unlessDuplicate } from './import-users.ts'
import { insertImportsAsAdmin } from './importer-store.ts'

/** Entries are judged one by one, so that one that is wrong does not hold back the others. */
const Batch = v.strictObject({
  users: v.pipe(v.array(v.looseObject({})), v.minLength(1, 'too_short'), v.maxLength(20, 'too_many')),
})

export const importUsers = new Hono<Env>().post('/v1/admin/users/import', jsonBody(Batch), async (c) => {
  const { ctx } = c.var
  const caller = await requireCaller(ctx, c.req.raw.headers, 'importUsers', { stepUp: true })
  if (isRefusal(caller)) return problemResponse(caller, ctx)

  const firstPlaceOf = createFirstPlaces()
  const entries = c.req
    .valid('json')
    .users.map((entry, index) => unlessDuplicate(readEntry(ctx, entry), firstPlaceOf, index))
  const accepted = entries.flatMap((entry) => ('user' in entry ? entry.user : []))
  const inserted = await insertImportsAsAdmin(ctx, caller, accepted)
  const refused = refuseUnlessAdmin(inserted, caller.userId)
  if (refused) return problemResponse(refused, ctx)
  const created = new Set(inserted.created)
  return c.json({
    results: entries.map((entry, index) => ({ index, ...resultOf(entry, created) })),
  })
})
