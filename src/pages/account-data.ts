/** What the pages of the account show of it: the queries of the operations that list the same. */
import type { Context } from '../context.ts'
import { listFactors } from '../mfa/list-store.ts'
import { findOfferedBefore } from '../mfa/passkey-step-up-store.ts'
import { findPasskeys } from '../passkeys/passkey-store.ts'
import { findOwnPassword } from '../passwords/confirmation-store.ts'
import type { OwnSession } from '../sessions/presence.ts'
import { findSessions } from '../sessions/store.ts'
import { presentedTrust } from '../sign-in/trusted-device.ts'
import { findTrustedDevices } from '../sign-in/trusted-device-store.ts'
import { findIdentities } from '../social/link-store.ts'
import { findStepUpProviders } from '../social/step-up-store.ts'
import type { Own } from './account.ts'

/** Devices that a page lists, newest first. */
const MAX_SHOWN = 50

export const findDevices = (ctx: Context, own: OwnSession) =>
  findSessions(ctx, { sid: own }, { after: null, limit: MAX_SHOWN })
export type Devices = Own<readonly [ReturnType<typeof findDevices>]>

export const findAll = (ctx: Context, own: OwnSession) =>
  [
    findDevices(ctx, own),
    listFactors(ctx, own),
    findPasskeys(ctx, { sid: own }),
    findIdentities(ctx, { sid: own }),
  ] as const
export type AccountData = Own<ReturnType<typeof findAll>>

export const findFactors = (ctx: Context, own: OwnSession) => [listFactors(ctx, own)] as const
export type Factors = Own<ReturnType<typeof findFactors>>

/** What can show that it is them, of what they had before this session. */
export const findStepUp = (ctx: Context, own: OwnSession) =>
  [
    listFactors(ctx, own),
    findOfferedBefore(ctx, own),
    findStepUpProviders(ctx, own),
    findOwnPassword(ctx, own),
  ] as const
export type StepUpData = Own<ReturnType<typeof findStepUp>>

/** With whether it is this browser. */
export const findTrusted = async (ctx: Context, own: OwnSession) =>
  [findTrustedDevices(ctx, own, await presentedTrust(ctx))] as const
export type Trusted = Own<Awaited<ReturnType<typeof findTrusted>>>
