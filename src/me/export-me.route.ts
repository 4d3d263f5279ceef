/**
 * GET /v1/me/export — everything that is held about the caller, as one JSON document (EXPORT.md). Needs a sign-in of the
 * last minutes: a thief of an access token must not get all of a person's past with it.
 */
import * as v from 'valibot'
import { recordAttempt } from '../events/dispatch.ts'
import { readCaller } from '../guard/caller.ts'
import { STEP_UP } from '../guard/demands.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { exportPerson } from './export.ts'

export const exportMe = operation(
  {
    id: 'exportMe',
    method: 'GET',
    path: '/v1/me/export',
    answers: { 200: v.looseObject({ schema: v.literal('latchkey.export.v1') }) },
    answerHeaders: ['content-disposition'],
    refusals: [],
    caller: 'user',
    stepUp: true,
    budget: { redis: 1, postgres: 4 },
  },
  async ({ ctx, headers }) => {
    const known = await readCaller(ctx, headers, 'exportMe', STEP_UP)
    if (isRefusal(known)) return known

    const { tenant, userId, sessionId } = known.caller
    const document = await exportPerson(ctx, tenant, userId)
    recordAttempt(ctx, 'user.exported', { subject: userId, actor: userId, data: { session_id: sessionId } })
    return new Response(document, {
      headers: {
        'content-type': 'application/json',
        'content-disposition': 'attachment; filename="latchkey-export.json"',
      },
    })
  },
)
