/** /account/other-devices — Sign out everywhere else. */
import * as v from 'valibot'
import { endOwnSessions } from '../sessions/sessions.ts'
import { accountPage, doneAt } from './account.ts'
import { FORM_FIELDS } from './hosted.ts'

export const accountOtherDevicesPage = accountPage('accountOtherDevicesPage', {
  path: '/account/other-devices',
  form: v.strictObject(FORM_FIELDS),
  limits: 'revokeSessions',
  refusals: [],
  budget: { redis: 1, postgres: 2 },
  queries: () => [] as const,
  view: async (screen) => (await import('./views/devices.tsx')).otherDevices(screen),
  take: async (asked) =>
    (await endOwnSessions(asked.ctx, asked.called, 'others')) ?? doneAt(asked, '/account/devices', 'devices'),
})
