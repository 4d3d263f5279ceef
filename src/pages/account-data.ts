/** What the pages of the account show of it: the queries of the operations that list the same. */
import type { Context } from '../context.ts'
import { listFactors } from '../mfa/list-store.ts'
import { findPasskeys } from '../passkeys/passkey-store.ts'
import type { OwnSession } from '../sessions/presence.ts'
import { findSessions } from '../sessions/store.ts'
import { findIdentities } from '../social/link-store.ts'
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
