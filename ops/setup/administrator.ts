/** The first administrator of a tenant: an account whose address the operator vouches for, and a mailed link that sets its password. */
import * as v from 'valibot'
import { findAccounts } from '../../src/access/find-store.ts'
import { EmailAddress } from '../../src/accounts/accounts.ts'
import { insertImports } from '../../src/admin/import-store.ts'
import { readEntry } from '../../src/admin/import-users.ts'
import { adminsCommand } from '../admins.ts'
import { findImportTarget, requireTenantId } from '../tenant-of.ts'
import { usersCommand } from '../users.ts'
import type { Setup } from './steps.ts'

export async function makeAdministrator(setup: Setup): Promise<void> {
  const { tenant, admin } = setup.wish
  const ctx = setup.connect()
  const tenantId = await requireTenantId(ctx, tenant)
  const email = v.parse(EmailAddress, admin)
  const [found] = await findAccounts(ctx, { tenantId }, { email })
  const quiet = { ...setup.out, error: () => {} }
  if (!found) {
    const entry = readEntry(ctx, { email, email_verified: true }, await findImportTarget(ctx, tenantId))
    if (!('user' in entry)) throw new Error(`${admin} cannot be made an account: ${entry.code}`)
    await insertImports(ctx, tenantId, [entry.user])
  }
  await adminsCommand(ctx, ['grant', email, '--tenant', tenant], quiet)
  await usersCommand(ctx, ['reset', email, '--tenant', tenant, '--yes'], quiet)
}
