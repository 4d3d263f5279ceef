/**
 * Accounts keep the name of a role that the tenant does not declare any more, where it allows nothing. Who declares a role of
 * that name later may mean another one, so it is given to no one before an operator has said so.
 */
import { COUNTED_HOLDERS, countHolders } from '../src/access/roles-store.ts'
import type { TenantSettings } from '../src/tenants/tenants.ts'
import type { OperatorContext } from './context.ts'

/** What accounts would be allowed at once by the roles that `settings` declares and the tenant did not. */
export async function inheritances(
  ctx: Pick<OperatorContext, 'db'>,
  before: { id: string; settings: unknown },
  settings: TenantSettings,
): Promise<string[]> {
  const { roles: declared = {} } = { ...(before.settings as TenantSettings | null) } // as `set` has stored it
  const isNew = (role: string) => !Object.hasOwn(declared, role)
  const roles = Object.entries(settings.roles ?? {}).flatMap(([role, allows]) =>
    isNew(role) && allows.length > 0 ? role : [],
  )
  if (roles.length === 0) return []
  return (await countHolders(ctx, before.id, roles)).map(
    ({ role, holders }) =>
      `${holders === COUNTED_HOLDERS ? `${holders} or more` : holders} accounts or open invitations have the role ${role} already, ` +
      'and would be allowed at once what it says now.',
  )
}
