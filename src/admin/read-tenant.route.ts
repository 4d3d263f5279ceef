/** GET /v1/admin/tenant — Read the tenant: its hosts, and every setting with its default and whether administrators may change it. */
import { readAsCaller } from '../guard/caller.ts'
import { operation } from '../operation.ts'
import { isRefusal } from '../problem.ts'
import { presentTenant, TenantAnswer } from './tenant.ts'
import { findHosts } from './tenant-store.ts'

export const readTenant = operation(
  {
    id: 'readTenant',
    method: 'GET',
    path: '/v1/admin/tenant',
    answers: { 200: TenantAnswer },
    refusals: [],
    caller: 'admin',
    permission: 'latchkey:tenant:read',
    stepUp: true,
    budget: { redis: 1, postgres: 1 },
  },
  async ({ ctx, headers, demands }) => {
    const read = await readAsCaller(ctx, headers, 'readTenant', () => findHosts(ctx), demands)
    if (isRefusal(read)) return read
    const hosts = read.found.map(({ host }) => host)
    return Response.json(presentTenant(read.caller.tenant, hosts))
  },
)
