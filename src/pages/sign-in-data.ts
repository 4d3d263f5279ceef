/** What the pages of signing in and signing up show. */
import { isRefusal } from '../problem.ts'
import { type Present, readPresence } from '../sessions/presence.ts'
import { findOffered, type OfferedProvider } from '../social/flow-store.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { checkReturn } from './flow.ts'
import type { Asked } from './hosted.ts'

export type SignInData = {
  tenant: Tenant
  present: Present | null
  providers: OfferedProvider[]
  origin: string
}

/** The tenant, its providers, and who is signed in already: one trip. */
export async function loadSignIn({ ctx, headers, flow }: Asked) {
  const read = await readPresence(ctx, headers, () => [findOffered(ctx)] as const, 'pages')
  if (isRefusal(read)) return read
  const refused = checkReturn(read.tenant, ctx.origin, flow)
  if (refused) return refused
  const [providers] = read.found
  return { tenant: read.tenant, present: read.present, providers, origin: ctx.origin }
}
