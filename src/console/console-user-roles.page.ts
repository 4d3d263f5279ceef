/** /console/users/{id}/roles — Give a person roles, and take one away. */
import * as v from 'valibot'
import { changeUserRoles } from '../admin/change-user-roles.route.ts'
import { text } from '../http/input.ts'
import { REASON, userActionPage } from './user-action.ts'

export const consoleUserRolesPage = userActionPage('consoleUserRolesPage', {
  verb: 'roles',
  does: changeUserRoles,
  form: v.strictObject({ ...REASON, grant: v.optional(text(2000)), revoke: v.optional(text(64)) }),
  body: ({ reason, grant = '', revoke }) => ({
    ...(reason !== undefined && { reason }),
    grant: grant.split(/\s+/).filter((role) => role !== ''),
    revoke: revoke === undefined ? [] : [revoke],
  }),
  view: async (desk, on) => (await import('./views/user-action.tsx')).roles(desk, on),
})
