/** /account/trusted-devices — The browsers in which no second step is asked for; its form forgets all of them. */
import * as v from 'valibot'
import { forgetAllDevices } from '../mfa/trusted-devices.ts'
import { accountPage, doneAt } from './account.ts'
import { findTrusted, type Trusted } from './account-data.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountTrustedDevicesPage = accountPage('accountTrustedDevicesPage', {
  path: '/account/trusted-devices',
  form: v.strictObject(FORM_FIELDS),
  limits: 'removeTrustedDevices',
  refusals: [],
  budget: { redis: 1, postgres: 2 },
  queries: findTrusted,
  view: async (screen, data: Trusted) => (await import('./views/trusted-devices.tsx')).trusted(screen, data),
  take: async (asked) =>
    (await forgetAllDevices(asked.ctx, asked.called)) ??
    doneAt(asked, '/account/trusted-devices', 'trusts_gone'),
})
