/**
 * GET /openapi.json — Read this OpenAPI 3.1 document. `npm run docs` writes it from the descriptions of the operations.
 */
import * as v from 'valibot'
import { PUBLIC } from '../http/answer.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import document from './openapi.txt'

export const openapi = operation(
  {
    id: 'openapi',
    method: 'GET',
    path: '/openapi.json',
    answers: { 200: v.looseObject({ openapi: v.string() }) },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 0, postgres: 0 },
  },
  async ({ ctx }) =>
    (await checkLimits(ctx, 'openapi')) ??
    new Response(document, { headers: { ...PUBLIC, 'content-type': 'application/json' } }),
)
