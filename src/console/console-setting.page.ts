/** /console/settings/{name} — Change one setting of the tenant, or give it its default again. */
import * as v from 'valibot'
import { readTenant } from '../admin/read-tenant.route.ts'
import { updateTenant } from '../admin/update-tenant.route.ts'
import { AS_ADMIN } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { FORM_FIELDS } from '../pages/hosted.ts'
import { refuse } from '../problem.ts'
import { presentSettings } from '../tenants/admin-settings.ts'
import { asks, consoleForm, doneAt, idIn } from './console.ts'
import { settingTyped } from './setting-text.ts'

export const consoleSettingPage = consoleForm('consoleSettingPage', {
  path: '/console/settings/:name',
  asks: [readTenant, updateTenant],
  demands: AS_ADMIN,
  ask: (asked) =>
    asks([], ({ present }) => {
      const name = idIn(asked, 'name')
      const all = presentSettings(present.tenant)
      const setting = Object.hasOwn(all, name) ? all[name] : undefined
      return setting?.changeable ? { name, ...setting } : refuse('not_found')
    }),
  view: async (desk, setting) => (await import('./views/settings.tsx')).setting(desk, setting),
  form: v.strictObject({
    ...FORM_FIELDS,
    settings: v.optional(text(4000), ''),
    reason: v.optional(text(1000)),
  }),
  does: updateTenant,
  asking: ({ settings: typed, reason }, asked) => {
    const name = idIn(asked, 'name')
    return {
      body: {
        settings: { [name]: settingTyped(name, typed) },
        ...(reason !== undefined && { reason }),
      },
    }
  },
  after: (asked) => doneAt(asked, '/console/settings', 'change'),
})
