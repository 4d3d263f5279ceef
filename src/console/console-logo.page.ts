/** /console/logo — Upload the logo of the tenant, or take it away. */
import * as v from 'valibot'
import { readTenant } from '../admin/read-tenant.route.ts'
import { updateTenantLogo } from '../admin/update-tenant-logo.route.ts'
import { AS_ADMIN } from '../guard/demands.ts'
import { text } from '../http/input.ts'
import { FORM_FIELDS } from '../pages/hosted.ts'
import { LOGO_BODY_BYTES } from '../tenants/logo.ts'
import { asks, consoleForm, doneAt } from './console.ts'

export const consoleLogoPage = consoleForm('consoleLogoPage', {
  path: '/console/logo',
  asks: [readTenant, updateTenantLogo],
  demands: AS_ADMIN,
  ask: () => asks([], ({ present }) => ({ version: present.tenant.policy.logo ?? null })),
  view: async (desk, { version }) => (await import('./views/logo.tsx')).logo(desk, version),
  form: v.strictObject({
    ...FORM_FIELDS,
    logo: v.optional(v.string()),
    remove: v.optional(v.literal('on')),
    reason: v.optional(text(1000)),
  }),
  formFile: 'logo',
  maxBodyBytes: LOGO_BODY_BYTES,
  does: updateTenantLogo,
  asking: ({ logo, remove, reason }) => ({
    body: {
      ...(remove === 'on' ? { logo: null } : logo !== undefined && { logo }),
      ...(reason !== undefined && { reason }),
    },
  }),
  after: (asked) => doneAt(asked, '/console/settings', 'logo'),
})
