/** /account/trusted-device-remove — A second step is asked for in that browser again. */
import * as v from 'valibot'
import { text } from '../http/input.ts'
import { forgetDevice } from '../mfa/trusted-devices.ts'
import { accountPage, doneAt } from './account.ts'
import { findTrusted, type Trusted } from './account-data.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountTrustedDeviceRemovePage = accountPage('accountTrustedDeviceRemovePage', {
  path: '/account/trusted-device-remove',
  form: v.strictObject({ ...FORM_FIELDS, device_id: text(64) }),
  limits: 'removeTrustedDevice',
  refusals: ['not_found'],
  budget: { redis: 1, postgres: 2 },
  comesFrom: '/account/trusted-devices',
  queries: findTrusted,
  view: async (screen, data: Trusted) => (await import('./views/trusted-devices.tsx')).trusted(screen, data),
  take: async (asked) =>
    (await forgetDevice(asked.ctx, asked.called, asked.form.device_id)) ??
    doneAt(asked, '/account/trusted-devices', 'trust_gone'),
})
