/** `--tenant <slug>`: which tenant a command is about; it may be left out where there is one. */
import { rpIdOf } from '../src/passkeys/relying-party.ts'
import { findTenants, findTenantsWithHosts } from '../src/tenants/tenant-store.ts'
import { readTenant } from '../src/tenants/tenants.ts'
import type { OperatorContext } from './context.ts'

export async function requireTenantId(
  ctx: Pick<OperatorContext, 'db'>,
  slug: string | null,
): Promise<string> {
  const [tenant, another] = await findTenants(ctx, slug)
  if (!tenant) throw new Error(slug === null ? 'there is no tenant' : 'there is no tenant with that slug')
  if (another) throw new Error('there are several tenants: name one with --tenant')
  return tenant.id
}

/** What an import must know of the tenant: the domain of its passkeys, and what API keys may be made for. */
export async function findImportTarget(
  ctx: Pick<OperatorContext, 'db'>,
  tenantId: string,
): Promise<{ rpId: string; scopes: readonly string[] }> {
  const tenant = (await findTenantsWithHosts(ctx, null)).find(({ id }) => id === tenantId)
  if (!tenant) throw new Error('the tenant is gone')
  // A setting that is wrong is npm run doctor's to tell.
  const read = readTenant({ log: () => {} }, tenant)
  return { rpId: rpIdOf(read), scopes: read.policy.api_key_scopes }
}
