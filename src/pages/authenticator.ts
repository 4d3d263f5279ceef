/** The pages that show what is shown once: an app to scan, and recovery codes. */
import type { Present } from '../sessions/presence.ts'
import { type Asked, show } from './hosted.ts'
import { NOTHING_WRONG, type Screen } from './screen.ts'

/** What an app scans, or a person types. */
export type ToScan = { factor_id: string; secret: string; qr_svg: string }

/** @param path of the page that takes its first code */
export async function showOnce(
  asked: Asked,
  path: `/${string}`,
  view: (screen: Screen) => ReturnType<Parameters<typeof show>[0]['view']>,
  present: Present | null,
): Promise<Response> {
  return show({ path, view, shownTo: () => present }, asked, undefined, { status: 200, wrong: NOTHING_WRONG })
}

export const showAppToScan = (asked: Asked, app: ToScan, present: Present): Promise<Response> =>
  showOnce(
    asked,
    '/account/authenticator-code',
    async (screen) => (await import('./views/authenticator.tsx')).scan(screen, { app, hidden: {} }),
    present,
  )

/** The same for who must add one to sign in. */
export const showAppToEnrol = (asked: Asked, app: ToScan, mfaToken: string): Promise<Response> =>
  showOnce(
    asked,
    '/sign-in/enrol-code',
    async (screen) =>
      (await import('./views/authenticator.tsx')).scan(screen, { app, hidden: { mfa_token: mfaToken } }),
    null,
  )

/** @param on where the person goes on to, once they have kept them */
export const showCodes = (
  asked: Asked,
  codes: readonly string[],
  on: string,
  present: Present | null,
): Promise<Response> =>
  showOnce(
    asked,
    '/account/recovery-codes',
    async (screen) => (await import('./views/authenticator.tsx')).recoveryCodes(screen, codes, on),
    present,
  )
