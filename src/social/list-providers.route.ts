/** GET /v1/admin/providers — the providers of the tenant, all of them, without their secrets. */
import * as v from 'valibot'
import { readAsCaller } from '../guard/caller.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { findProviders } from './provider-store.ts'
import { ProviderAnswer, presentProvider } from './providers.ts'

export const listProviders = operation(
  {
    id: 'listProviders',
    method: 'GET',
    path: '/v1/admin/providers',
    query: v.strictObject({}),
    answers: { 200: v.object({ data: v.array(ProviderAnswer), next_cursor: v.null() }) },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:providers:read',
    takesKeys: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands }) => {
    const read = await readAsCaller(ctx, headers, 'listProviders', () => findProviders(ctx), demands)
    if (isRefusal(read)) return read
    const data = read.found.map((row) => presentProvider(ctx, row))
    return Response.json({ data, next_cursor: null })
  },
)
