/**
 * GET /v1/me/export — Export all data about the caller as one JSON document (EXPORT.md). Needs recent authentication, so
 * that a stolen access token is not enough.
 */
import * as v from 'valibot'
import { operation } from '../operation.ts'
import { exportSelf } from './export.ts'

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
  ({ ctx, headers }) => exportSelf(ctx, headers),
)
