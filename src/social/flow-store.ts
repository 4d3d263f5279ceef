/** What a flow reads before anything is asked of the provider. */
import { and, asc, eq } from 'drizzle-orm'
import type { Context } from '../context.ts'
import { pathSlug } from '../http/input.ts'
import { beginningColumns } from '../sign-in/start-store.ts'
import { oauthExchanges, providers, signingKeys, tenantHosts, tenants } from '../storage/schema.ts'
import { flowColumns, MAX_PROVIDERS } from './provider-store.ts'

/** The tenant of the host, with what a session needs, and its provider of this slug, if that is enabled. */
export async function findForFlow(ctx: Pick<Context, 'db' | 'host' | 'settings'>, slug: string) {
  const [row] = await ctx.db
    .select({ ...beginningColumns(ctx, 'social'), provider: flowColumns })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      providers,
      and(
        eq(providers.tenantId, tenants.id),
        eq(providers.slug, pathSlug(slug)),
        eq(providers.enabled, true),
      ),
    )
    .where(eq(tenantHosts.host, ctx.host))
  return row
}
export type FoundForFlow = NonNullable<Awaited<ReturnType<typeof findForFlow>>>

/** The same of the caller's tenant, for a batch that reads the caller too. */
export const findEnabledProvider = ({ db, host }: Pick<Context, 'db' | 'host'>, slug: string) =>
  db
    .select(flowColumns)
    .from(providers)
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, providers.tenantId), eq(tenantHosts.host, host)))
    .where(and(eq(providers.slug, pathSlug(slug)), eq(providers.enabled, true)))

/** What a sign-in page offers: the enabled providers of the host's tenant. */
export const findOffered = ({ db, host }: Pick<Context, 'db' | 'host'>) =>
  db
    .select({ slug: providers.slug, name: providers.name })
    .from(providers)
    .innerJoin(tenantHosts, and(eq(tenantHosts.tenantId, providers.tenantId), eq(tenantHosts.host, host)))
    .where(eq(providers.enabled, true))
    .orderBy(asc(providers.slug))
    .limit(MAX_PROVIDERS)
export type OfferedProvider = { slug: string; name: string }

/** The tenant of the host, with what a session needs, and what was passed before the code was given. */
export async function findForExchange(ctx: Pick<Context, 'db' | 'host' | 'settings'>, codeHash: Uint8Array) {
  const [row] = await ctx.db
    .select({
      ...beginningColumns(ctx, 'social'),
      exchange: { amr: oauthExchanges.amr, aal: oauthExchanges.aal },
    })
    .from(tenantHosts)
    .innerJoin(tenants, eq(tenants.id, tenantHosts.tenantId))
    .leftJoin(signingKeys, eq(signingKeys.state, 'current'))
    .leftJoin(
      oauthExchanges,
      and(eq(oauthExchanges.tenantId, tenants.id), eq(oauthExchanges.codeHash, codeHash)),
    )
    .where(eq(tenantHosts.host, ctx.host))
  return row
}
